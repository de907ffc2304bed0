// The list of messages: a window on the conversation's items, so that the page
// stays small however much is said. At its end it follows what comes; while
// somebody reads back, what they read stays where it is on the screen.

import { reconcile } from "./dom.js";
import { elementOf, elementOfEntry, formOf } from "./items.js";

/** Items in the page while following, and at most. */
const FOLLOWED = 120;
const MOST = 320;
/** Items by which the window moves, and how near to its edge it does. */
const STEP = 60;
const NEAR_PX = 500;
/** So near to the end counts as at the end. */
const AT_END_PX = 40;

export class Log {
  isFollowing = true;
  #scroller;
  #list;
  #pending;
  #chat;
  #onScroll;
  #conversation;
  #elements = new Map();
  #start = 0;
  #end = 0;
  #places = new WeakMap();
  #top = 0;
  /** What was read when the reader last scrolled. */
  #seen;

  constructor({ scroller, list, pending, chat, onScroll }) {
    this.#scroller = scroller;
    this.#list = list;
    this.#pending = pending;
    this.#chat = chat;
    this.#onScroll = onScroll;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    scroller.addEventListener("wheel", ({ deltaY }) => deltaY < 0 && this.#letGo(), { passive: true });
    list.addEventListener("click", ({ target }) => this.#clicked(target));
    // What changes the size of the view or of a message must not move what is read.
    new ResizeObserver(() => this.#settle()).observe(scroller);
  }

  /** Draws what changed. */
  draw() {
    const { shown } = this.#chat;
    if (shown !== this.#conversation) this.#open(shown);
    if (!shown) return;
    this.#keepingPlace(() => {
      this.#moveWindow();
      this.#drawItems();
      this.#drawPending();
    });
    this.#reachOut();
  }

  /** Goes to the newest message. */
  toEnd() {
    const conversation = this.#conversation;
    if (!conversation) return;
    if (conversation.isCut && !this.#chat.loadEnd(conversation)) return;
    this.#follow();
    this.draw();
    this.#onScroll();
  }

  /** Scrolls by so many pages. */
  page(count) {
    if (count < 0) this.#letGo();
    this.#scroller.scrollBy({ top: count * this.#scroller.clientHeight * 0.85 });
  }

  /** Shows the `count`th message from the end, or goes up by a page. */
  goBack(count) {
    this.#letGo();
    if (count === undefined) return this.page(-1);
    const { end, first } = this.#conversation;
    this.#start = Math.max(first, end - count);
    this.#end = Math.min(end, this.#start + MOST);
    this.#drawItems();
    this.#scroller.scrollTop = 0;
    this.#scrolled();
  }

  /** Shows the item of this number, in the middle, and takes the focus there. */
  goTo(number) {
    const { end, first } = this.#conversation;
    this.isFollowing = false;
    this.#conversation.isHeld = true;
    this.#start = Math.max(first, number - STEP);
    this.#end = Math.min(end, number + STEP);
    this.#drawItems();
    const element = this.#elements.get(number);
    const { top, height } = this.#scroller.getBoundingClientRect();
    const box = element.getBoundingClientRect();
    // Of a long one the beginning.
    const place = box.height < height / 2 ? (height - box.height) / 2 : height / 4;
    this.#scroller.scrollTop += box.top - top - place;
    this.#scrolled();
    element.tabIndex = -1;
    element.focus({ preventScroll: true });
    for (const other of this.#list.querySelectorAll(".sought")) other.classList.remove("sought");
    element.classList.add("sought");
  }

  #open(conversation) {
    this.#remember();
    this.#conversation = conversation;
    for (const element of this.#elements.values()) element.remove();
    this.#elements.clear();
    const place = conversation && this.#places.get(conversation);
    const isThere = place && place.number >= conversation.first && place.number < conversation.end;
    if (!conversation || !isThere) return this.#follow();
    this.isFollowing = false;
    conversation.isHeld = true;
    this.#start = Math.max(conversation.first, place.number - STEP);
    this.#end = Math.min(conversation.end, place.number + STEP);
    this.#drawItems();
    this.#restore(place);
  }

  #remember() {
    const conversation = this.#conversation;
    if (!conversation) return;
    // Nothing is held for a place that can be found again only by chance.
    conversation.isHeld = !this.isFollowing;
    if (this.isFollowing) this.#places.delete(conversation);
    else this.#places.set(conversation, this.#place());
  }

  #follow() {
    this.isFollowing = true;
    if (this.#conversation) this.#conversation.isHeld = false;
    this.#start = this.#end = this.#conversation?.end ?? 0;
  }

  #letGo() {
    if (!this.isFollowing || this.#scroller.scrollHeight <= this.#scroller.clientHeight) return;
    this.isFollowing = false;
    if (this.#conversation) this.#conversation.isHeld = true;
  }

  /** Where the window is to be. */
  #moveWindow() {
    const { first, end } = this.#conversation;
    if (this.isFollowing) {
      const isOverfull = end - this.#start > MOST || this.#start < first || this.#start > end;
      if (isOverfull || end - this.#start < FOLLOWED) this.#start = Math.max(first, end - FOLLOWED);
      this.#end = end;
    } else {
      this.#start = Math.max(first, Math.min(this.#start, end));
      this.#end = Math.max(this.#start, Math.min(end, Math.max(this.#end, this.#start + MOST - STEP)));
    }
  }

  #drawItems() {
    const conversation = this.#conversation;
    for (const [number, element] of this.#elements) {
      if (number >= this.#start && number < this.#end) continue;
      element.remove();
      this.#elements.delete(number);
    }
    let next = this.#list.firstElementChild;
    for (let number = this.#start; number < this.#end; number += 1) {
      const item = conversation.item(number);
      const before = conversation.item(number - 1);
      const look = { isNewest: number === conversation.newFrom, me: this.#chat.me.name };
      let element = this.#elements.get(number);
      if (element && (element.item !== item || element.dataset.form !== formOf(item, before, look))) {
        if (next === element) next = element.nextElementSibling;
        element.remove();
        element = undefined;
      }
      if (!element) {
        element = elementOf(item, before, look);
        element.item = item;
        this.#elements.set(number, element);
        this.#list.insertBefore(element, next);
      } else {
        next = element.nextElementSibling;
      }
    }
  }

  #drawPending() {
    const me = this.#chat.me.name;
    reconcile(this.#pending, this.#chat.outbox.of(this.#conversation), {
      key: ({ id }) => id,
      form: ({ state, reason, isExpanded }) => `${state} ${reason} ${isExpanded}`,
      make: (entry) => elementOfEntry(entry, me),
    });
  }

  /** Changes the page; what is read stays in its place, or at the end. */
  #keepingPlace(change) {
    this.#noticeScroll();
    const place = this.isFollowing ? undefined : this.#place();
    change();
    if (place) this.#restore(place);
    else this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#top = this.#scroller.scrollTop;
  }

  /** The first item that can be seen, and where. */
  #place() {
    const top = this.#scroller.getBoundingClientRect().top;
    for (const element of this.#list.children) {
      const box = element.getBoundingClientRect();
      // The top of an item changes when one is put before it: a day's line may go.
      if (box.bottom > top) return { number: element.item.number, below: box.bottom - top };
    }
    return { number: this.#end, below: 0 };
  }

  #restore({ number, below }) {
    const element = this.#elements.get(number);
    if (!element) return;
    const top = this.#scroller.getBoundingClientRect().top;
    this.#scroller.scrollTop += element.getBoundingClientRect().bottom - top - below;
  }

  #settle() {
    if (this.isFollowing) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    else if (this.#seen) this.#restore(this.#seen);
    this.#top = this.#scroller.scrollTop;
    if (this.#conversation) this.#reachOut();
  }

  #scrolled() {
    if (!this.#conversation) return;
    this.#noticeScroll();
    this.#top = this.#scroller.scrollTop;
    this.#seen = this.isFollowing ? undefined : this.#place();
    this.#reachOut();
    this.#onScroll();
  }

  #noticeScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    // Who follows stops only by going up.
    if (this.isFollowing && scrollTop >= this.#top - 2) return;
    const isAtEnd = scrollHeight - clientHeight - scrollTop <= AT_END_PX;
    const { end, isCut } = this.#conversation;
    // What came since the last drawing does not make one who follows a reader of the past.
    const isCaughtUp = this.isFollowing || end - this.#end < STEP;
    this.isFollowing = isAtEnd && isCaughtUp && !isCut;
    this.#conversation.isHeld = !this.isFollowing;
  }

  /** Moves the window, or asks for more, where its edge comes near. */
  #reachOut() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const conversation = this.#conversation;
    if (scrollTop < NEAR_PX) {
      if (this.#start > conversation.first && !this.isFollowing) this.#shift(-STEP);
      else if (this.#start <= conversation.first) this.#chat.loadEarlier(conversation);
    }
    if (this.isFollowing || scrollHeight - clientHeight - scrollTop > NEAR_PX) return;
    if (this.#end < conversation.end) this.#shift(STEP);
    else if (conversation.isCut && scrollHeight - clientHeight - scrollTop <= AT_END_PX) this.toEnd();
  }

  #shift(step) {
    const { first, end } = this.#conversation;
    this.#keepingPlace(() => {
      if (step < 0) {
        this.#start = Math.max(first, this.#start + step);
        this.#end = Math.min(this.#end, this.#start + MOST);
      } else {
        this.#end = Math.min(end, this.#end + step);
        this.#start = Math.max(this.#start, this.#end - MOST);
      }
      this.#drawItems();
    });
  }

  #clicked(target) {
    const more = target.closest(".more");
    const item = more?.closest(".item")?.item;
    if (!item) return;
    item.isExpanded = true;
    // Its beginning is to be read, not its end.
    this.#letGo();
    this.draw();
  }
}
