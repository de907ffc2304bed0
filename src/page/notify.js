// What reaches a person who looks elsewhere: the title's count, and notifications
// of whispers and mentions, if allowed.

import { byId } from "./dom.js";
import { oneLine } from "./text.js";
import { browserStore } from "./storage.js";

const LONGEST = 200;

/** The title of the page. Unread messages are counted in it. */
export function drawTitle(chat) {
  const count = chat.unread;
  const place = chat.shown && (chat.shown.isRoom ? `#${chat.shown.name}` : chat.shown.name);
  const title = `${count > 0 ? `(${count}) ` : ""}${place ? `${oneLine(place)} · ` : ""}chinwag`;
  if (document.title !== title) document.title = title;
}

export class Notifications {
  #button = byId("notify");
  #isOn = browserStore.get("notify") ?? true;

  constructor() {
    this.#button.addEventListener("click", () => this.#clicked());
    this.#draw();
  }

  /** Tells of `item`, where nobody sees the page; a click on it calls `open`. */
  tell(conversation, item, open) {
    if (!this.#isAllowed || !this.#isOn || (!document.hidden && document.hasFocus())) return;
    const title = conversation.isRoom ? `${item.from} in #${conversation.name}` : `${item.from} whispers`;
    try {
      const notification = new Notification(oneLine(title), {
        body: oneLine(item.text).slice(0, LONGEST),
        icon: "page/icon.svg",
        tag: conversation.key,
      });
      notification.onclick = () => {
        window.focus();
        notification.close();
        open();
      };
    } catch {
      // Some phones have the permission, and no notifications of a page.
    }
  }

  get #isAllowed() {
    return "Notification" in window && Notification.permission === "granted";
  }

  async #clicked() {
    if (this.#isAllowed) this.#isOn = !this.#isOn;
    else this.#isOn = (await Notification.requestPermission()) === "granted";
    browserStore.set("notify", this.#isOn);
    this.#draw();
  }

  #draw() {
    const isPossible = "Notification" in window && window.isSecureContext;
    const isDenied = isPossible && Notification.permission === "denied";
    this.#button.hidden = !isPossible || isDenied;
    const isOn = this.#isAllowed && this.#isOn;
    this.#button.setAttribute("aria-pressed", String(isOn));
    this.#button.title = isOn ? "Notifications of whispers and mentions are on" : "Notify me of whispers and mentions";
  }
}
