import { test } from 'node:test';
import { Browser } from '../../e2e/support/browser.js';
import { ParticipantPage } from '../../e2e/support/page.js';
import { installRecorder } from '../../e2e/support/recorder.js';
import { Server } from '../../e2e/support/server.js';
import { configuration, Study } from '../../e2e/support/study.js';
import { until } from '../../e2e/support/wait.js';
import { Front } from './front.js';

/** @typedef {import('../page/experiment.js').Seen} Seen */

/** Counts, in `window.listeners`, the listeners that a page has on itself, by event. */
export const COUNT_LISTENERS = `
  window.listeners = {};
  for (const target of [window, document]) {
    const { addEventListener, removeEventListener } = target;
    const count = (name, by) => (window.listeners[name] = (window.listeners[name] ?? 0) + by);
    target.addEventListener = function (name, ...args) {
      count(name, 1);
      return addEventListener.call(target, name, ...args);
    };
    target.removeEventListener = function (name, ...args) {
      count(name, -1);
      return removeEventListener.call(target, name, ...args);
    };
  }`;

/** A jsPsych experiment as one participant sees it. */
export class ExperimentPage extends ParticipantPage {
  /** @param {string} text what the trial shows to be told from others */
  waitForTrial(text) {
    return until(`${this.participantId} to see trial "${text}"`, async () => (await this.trial()) === text);
  }

  trial() {
    return this.browser.run(() => document.getElementById('trial')?.textContent);
  }

  /** @param {string} key */
  async press(key) {
    await this.browser.driver.actions().sendKeys(key).perform();
  }

  /** @returns {Promise<Seen>} what the experiment has written down, also if the participant has been sent on */
  seen() {
    return this.browser.run(() => JSON.parse(sessionStorage.getItem('seen') ?? 'null'));
  }

  /** @param {number} [count] how many experiments whose data must be stored */
  async waitForStored(count = 1) {
    await until(`${this.participantId}'s complete() to be over`, async () => (await this.seen()).completed >= count);
    return this.seen();
  }

  /** Goes through the trials that are left, each with `f`. @param {string} part @param {number[]} indices */
  async answer(part, ...indices) {
    for (const index of indices) {
      await this.waitForTrial(`${part} ${index}`);
      await this.press('f');
    }
  }
}

/** A study whose pages are a lab's own. */
export class Experiment extends Study {
  /** @type {Front[]} */
  #fronts = [];

  /** @param {number} [upstreamPort] if it is not the server itself that answers there */
  async front(upstreamPort = this.server.port) {
    const front = await Front.start(upstreamPort);
    this.#fronts.push(front);
    return front;
  }

  /**
   * @param {string} participantId
   * @param {{ path?: string, search?: Record<string, string>, front?: Front, runFirst?: string }} [options]
   */
  async open(participantId, { path = '/experiment/index.html', search, front, runFirst } = {}) {
    const { url } = front ?? (await this.front());
    const browser = await Browser.open();
    const page = new ExperimentPage(browser, url, participantId);
    this.participants.push(page);
    if (runFirst !== undefined) await browser.runFirst(runFirst);
    const query = new URLSearchParams({ participant: participantId, ...search });
    await browser.driver.get(`${url}${path}?${query}`);
    await browser.run(installRecorder);
    return page;
  }

  /**
   * Two participants who both see the first trial.
   *
   * @param {Parameters<Experiment['open']>[1]} [options] of both
   * @param {Parameters<Experiment['open']>[1]} [own] of the first, beside these
   */
  async two(options, own) {
    const opening = [this.open('ada', { ...options, ...own }), this.open('bert', options)];
    await Promise.allSettled(opening);
    const [a, b] = await Promise.all(opening);
    await Promise.all([a.waitForTrial('main 1'), b.waitForTrial('main 1')]);
    return { a, b };
  }

  async close() {
    await super.close();
    await Promise.all(this.#fronts.map((front) => front.stop()));
  }
}

/**
 * @typedef {import('../../e2e/support/study.js').Setup & {
 *   tolerated?: RegExp, waitingRoomTimeout?: number, skip?: string | false, settings?: Record<string, unknown>
 * }} Setup `settings`: the server's, instead of all that
 */

/**
 * A test with a server of its own. No page's console may see an error that `tolerated` does not name.
 *
 * @param {string} name
 * @param {Setup} setup
 * @param {(experiment: Experiment) => Promise<void>} body
 */
export function experiment(name, { tolerated, waitingRoomTimeout, skip = false, settings, ...setup }, body) {
  test(name, { skip }, async (t) => {
    const config = configuration(setup);
    Object.assign(config.scenes[config.default_scene], { waiting_room_timeout_ms: waitingRoomTimeout });
    const server = await Server.start({ config: settings ?? config });
    const running = new Experiment(server);
    try {
      await body(running);
      const errors = (await running.consoleErrors()).filter((message) => !tolerated?.test(message));
      if (errors.length > 0) throw new Error(`errors on the console:\n${errors.join('\n')}`);
      await running.close();
      await server.stop();
    } catch (error) {
      const where = await running.report(name).catch((reason) => `nowhere: ${reason}`);
      t.diagnostic(`what could be seen is in ${where}`);
      throw error;
    } finally {
      await running.close().catch(() => {});
      await server.kill();
    }
  });
}
