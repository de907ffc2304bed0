// How the connection is: a word in the corner, and a bar where something is wrong.

import { byId, setText } from "./dom.js";
import { oneLine } from "./text.js";

export class Status {
  #timer;

  draw(state, hasUnsent) {
    clearInterval(this.#timer);
    const bar = byId("connection");
    const words = { open: "Connected", connecting: "Connecting…", waiting: "Offline", ended: "Disconnected", idle: "" };
    setText(byId("state"), words[state.is]);
    byId("state").dataset.is = state.is;
    bar.hidden = state.is === "open" || state.is === "idle";
    bar.dataset.is = state.is;
    byId("retry").hidden = state.is === "connecting";
    setText(byId("retry"), state.is === "ended" ? "Rejoin" : "Try now");
    // Only this part is read out: a count of seconds would be read every second.
    const kept = hasUnsent ? " What you send is kept, and goes out then." : "";
    const told = {
      connecting: "Connecting…",
      waiting: `Connection lost: ${oneLine(state.reason ?? "")}.${kept}`,
      ended: `You are disconnected: ${oneLine(state.reason ?? "")}.`,
    };
    if (state.is === "connecting") setText(byId("connection-when"), "");
    setText(byId("connection-why"), told[state.is] ?? "");
    if (state.is !== "waiting") return setText(byId("connection-when"), "");
    const count = () => {
      const seconds = Math.max(0, Math.ceil((state.until - Date.now()) / 1000));
      setText(byId("connection-when"), seconds > 0 ? `Next try in ${seconds} s.` : "Trying…");
    };
    count();
    this.#timer = setInterval(count, 500);
  }
}
