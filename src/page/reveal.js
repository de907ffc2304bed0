// The way to a message that was found: shows its room, and loads what was said before,
// page by page, until the message is there.

import { keyOf } from "./names.js";

const PAGE = 100;
/** So many messages are gone back through at most. */
const MOST_PAGES = 100;

export class Reveal {
  #chat;
  #log;
  #onWay;
  /** What is to be shown: `{ room, pos }`, and the pages that were asked for. */
  #wanted;

  /** `onWay` is told whether something is on its way. */
  constructor({ chat, log, onWay }) {
    this.#chat = chat;
    this.#log = log;
    this.#onWay = onWay;
  }

  /** Shows a message in its place. */
  start({ room, pos }) {
    const conversation = this.#chat.conversations.get(`room:${keyOf(room)}`);
    if (!conversation) return;
    if (this.#chat.shown !== conversation) this.#chat.show(conversation);
    this.#wanted = { conversation, pos, pages: 0, oldest: undefined };
    this.#chat.changed("log");
  }

  /** What was asked for may be there now. To be called when the messages were drawn. */
  next() {
    const wanted = this.#wanted;
    if (!wanted) return;
    const { conversation, pos } = wanted;
    if (this.#chat.shown !== conversation) return this.#stop();
    const item = conversation.itemAt(pos);
    if (item) {
      this.#stop();
      return this.#log.goTo(item.number);
    }
    if (conversation.loadingBefore !== undefined) return undefined;
    const oldest = conversation.oldestPos();
    const isStuck = !conversation.hasMore || oldest === undefined || oldest === wanted.oldest;
    if (isStuck || wanted.pages >= MOST_PAGES) return this.#giveUp(wanted);
    wanted.pages += 1;
    wanted.oldest = oldest;
    // Nothing is to be dropped meanwhile because nobody reads back.
    conversation.isHeld = true;
    this.#onWay(true);
    this.#chat.loadEarlier(conversation, PAGE);
    if (conversation.loadingBefore === undefined) this.#giveUp(wanted);
    return undefined;
  }

  #giveUp({ pages }) {
    this.#stop();
    const isFar = pages >= MOST_PAGES;
    this.#chat.inform(isFar ? "That message is too far back to be shown in its place." : "That message cannot be shown in its place now.", "error");
  }

  #stop() {
    this.#wanted.conversation.isHeld = !this.#log.isFollowing;
    this.#wanted = undefined;
    this.#onWay(false);
  }
}
