import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Match } from '../match.js';
import { Meeting } from '../meeting.js';
import { Assembly, toParts } from '../parts.js';
import { below } from '../rng.js';
import { stars } from '../stars.js';

/** @typedef {import('../meeting.js').Departure} Departure */
/** @typedef {import('../meeting.js').Told} Told */

const SEED = 2024;
const FRAMES = 60;
const EPISODES = 3;
/** Between two episodes, in turns of the world. */
const REST = 10;
const ASK_EVERY = 15;

/** What a player does is theirs, not a page's: a reload forgets what was planned, and the hands go on. */
class Hands {
  #rng;

  /** @param {number} seed */
  constructor(seed) {
    this.#rng = { rng: seed };
  }

  next() {
    return below(this.#rng, 5);
  }
}

/** One page, as play.js drives it, without a screen. */
class Page {
  isPlaying = false;
  isOver = false;
  forgotten = false;
  closed = false;
  completed = 0;
  questions = 0;
  #rest = 0;
  #assembly = new Assembly();
  #remembered;

  /**
   * @param {World} world
   * @param {number} index
   * @param {number} number of all pages in the world
   * @param {{ lost?: boolean, remembered?: { frame: number, history: number[][], left: Departure[] } | null }} [before]
   */
  constructor(world, index, number, { lost = false, remembered = null } = {}) {
    this.world = world;
    this.index = index;
    this.#remembered = remembered;
    const [players, self] = [world.players, world.players[index]];
    this.match = new Match({ players, self, seed: SEED, episodes: EPISODES, framesPerEpisode: FRAMES }, stars.rules);
    this.meeting = new Meeting({
      match: this.match,
      self: index,
      players: world.players.length,
      newQuestion: () => {
        this.questions += 1;
        return number * 1000 + this.questions;
      },
      restMs: () => (this.#rest > 0 ? this.#rest : null),
      send: (told) => {
        for (const part of toParts(told, world.nextId(), 60)) {
          world.relay(this, part);
        }
      },
      onAgreed: () => this.#agreed(),
    });
    if (remembered) {
      this.match.learn(remembered.history, (player) => player !== index);
      for (const departure of remembered.left) this.meeting.leave(departure);
    }
    this.meeting.lost = lost;
    this.meeting.begin();
  }

  #agreed() {
    if (this.isPlaying) {
      this.#sendAgain();
    } else if (this.meeting.isForgotten) {
      this.forgotten = true;
    } else {
      this.meeting.lost = false;
      if (this.#remembered) this.match.learn(this.#remembered.history, (player) => player === this.index);
      this.isPlaying = true;
      this.match.catchUp(Math.max(this.meeting.frame, this.#remembered?.frame ?? 0), this.meeting.episode, () => {
        this.completed += 1;
      });
      this.#sendAgain();
      if (this.match.phase !== 'playing') this.#finishEpisode(this.meeting.restMs ?? REST);
    }
  }

  #sendAgain() {
    for (const move of this.match.recent()) this.world.relay(this, move);
  }

  /** @param {number} rest */
  #finishEpisode(rest) {
    this.completed += 1;
    this.#rest = this.match.phase === 'over' ? 0 : rest;
    if (this.match.phase === 'over') this.isOver = true;
  }

  /** @param {number} turn */
  turn(turn) {
    if (turn % ASK_EVERY === 0) {
      this.meeting.ask();
      if (this.isPlaying) this.#sendAgain();
    }
    if (this.#rest > 0) {
      this.#rest -= 1;
      if (this.#rest === 0) this.match.nextEpisode();
    }
    if (!this.isPlaying || this.meeting.isOpen || this.match.phase !== 'playing') return;
    while (this.match.owesAction) this.world.relay(this, this.match.act(this.world.hands[this.index].next()));
    if (this.match.step() && this.match.phase !== 'playing') this.#finishEpisode(REST);
  }

  /**
   * @param {Page} from
   * @param {any} message
   */
  receive(from, message) {
    if ('sync' in message) {
      const told = this.#assembly.add(from.index, message);
      if (told) this.meeting.receive(from.index, told);
    } else {
      this.match.receive(this.world.players[from.index], message);
    }
  }

  memory() {
    return { frame: this.match.frame, history: this.match.history(), left: this.meeting.departures };
  }

  record() {
    const { self, ...rest } = this.match.metrics();
    return rest;
  }
}

/** The relay and its lines: in order on each line, with delays, losses and doubles. */
class World {
  /** @type {Page[]} */
  pages = [];
  now = 0;
  #ids = 0;
  #numbers = 0;
  /** @type {{ due: number, from: Page, to: number, message: unknown }[]} */
  #underway = [];
  /** @type {Map<string, number>} */
  #last = new Map();
  #dice;

  /**
   * @param {number} seed
   * @param {number} count of players
   * @param {{ lossOutOf?: number }} [network] one of so many messages is lost
   */
  constructor(seed, count, { lossOutOf = 0 } = {}) {
    this.#dice = { rng: seed };
    this.lossOutOf = lossOutOf;
    this.players = ['red', 0, 'blue'].slice(0, count);
    this.hands = this.players.map((_, index) => new Hands(seed * 10 + index));
    this.players.forEach((_, index) => {
      this.open(index);
    });
  }

  nextId() {
    this.#ids += 1;
    return this.#ids;
  }

  /** @param {number} bound */
  roll(bound) {
    return below(this.#dice, bound);
  }

  /**
   * @param {number} index
   * @param {ConstructorParameters<typeof Page>[3]} [before]
   */
  open(index, before) {
    this.#numbers += 1;
    // In its place before it asks: partners may answer at once.
    const page = new Page(this, index, this.#numbers, before);
    this.pages[index] = page;
    return page;
  }

  /** @param {number} index @param {{ remembers: boolean }} how */
  reload(index, { remembers }) {
    const old = this.pages[index];
    old.closed = true;
    const remembered = remembers && old.isPlaying ? old.memory() : null;
    return this.open(index, { lost: old.isPlaying && !remembered, remembered });
  }

  /** @param {number} index */
  remove(index) {
    this.pages[index].closed = true;
  }

  /**
   * @param {Page} from
   * @param {unknown} message
   */
  relay(from, message) {
    if (from.closed) return;
    for (const to of this.players.keys()) {
      if (to === from.index) continue;
      if (this.lossOutOf > 0 && this.roll(this.lossOutOf) === 0) continue;
      const line = `${from.index}:${to}`;
      const copies = this.roll(20) === 0 ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1) {
        const due = Math.max(this.#last.get(line) ?? 0, this.now + 1 + this.roll(4));
        this.#last.set(line, due);
        this.#underway.push({ due, from, to, message: structuredClone(message) });
      }
    }
  }

  turn() {
    this.now += 1;
    const due = this.#underway.filter((message) => message.due <= this.now);
    this.#underway = this.#underway.filter((message) => message.due > this.now);
    for (const { from, to, message } of due) {
      const page = this.pages[to];
      if (page && !page.closed) page.receive(from, message);
    }
    for (const page of this.pages) if (!page.closed) page.turn(this.now);
  }

  /** @param {() => boolean} condition */
  until(condition, within = 5000) {
    for (let turn = 0; !condition(); turn += 1) {
      assert.ok(turn < within, `still not after ${within} turns: ${JSON.stringify(this.#where())}`);
      this.turn();
    }
  }

  #where() {
    return this.pages.map(({ match, meeting, isPlaying, closed }) => [
      match.frame,
      match.phase,
      meeting.isOpen,
      isPlaying,
      closed,
    ]);
  }

  /** Plays to the end; everybody who is left must hold the same record. */
  finish() {
    this.until(() => this.pages.every(({ closed, isOver }) => closed || isOver));
    const [first, ...others] = this.pages.filter(({ closed }) => !closed);
    for (const page of others) assert.deepEqual(page.record(), first.record());
    for (const page of [first, ...others]) assert.equal(page.completed, EPISODES);
    assert.equal(first.record().episodes.length, EPISODES);
    return first.record();
  }
}

test('a game begins once everybody has heard of everybody', () => {
  const world = new World(1, 3);
  assert.ok(world.pages.every(({ isPlaying }) => !isPlaying));
  const record = world.finish();
  assert.deepEqual(
    record.episodes.map(({ frames }) => frames),
    Array(EPISODES).fill(FRAMES),
  );
});

for (const remembers of [true, false]) {
  const how = remembers ? 'that remembers' : 'that remembers nothing';
  test(`a page ${how} is reloaded at any time, and the game is the same for all`, () => {
    for (let seed = 0; seed < 120; seed += 1) {
      const count = 2 + (seed % 2);
      const world = new World(seed, count, { lossOutOf: seed % 3 === 0 ? 8 : 0 });
      const at = world.roll(260);
      for (let turn = 0; turn < at; turn += 1) world.turn();
      world.reload(world.roll(count), { remembers });
      world.finish();
    }
  });
}

test('what was played before a reload stays played', () => {
  const world = new World(3, 2);
  world.until(() => world.pages[0].match.frame === 100);
  const before = world.pages[0].record();
  world.reload(0, { remembers: false });
  const after = world.finish();
  assert.deepEqual(after.hashes.slice(0, before.hashes.length), before.hashes);
  assert.deepEqual(after.episodes[0], before.episodes[0]);
});

test('a page that comes back in a break joins what is left of it', () => {
  const world = new World(4, 2);
  world.until(() => world.pages.every(({ match }) => match.phase === 'between'));
  const page = world.reload(1, { remembers: false });
  world.until(() => page.isPlaying);
  assert.equal(page.match.phase, 'between');
  assert.equal(page.completed, 1);
  const began = world.now;
  world.until(() => page.match.phase === 'playing');
  assert.ok(world.now - began < REST);
  world.finish();
});

test('all pages reloaded at once: what they remember is enough', () => {
  for (let seed = 0; seed < 60; seed += 1) {
    const count = 2 + (seed % 2);
    const world = new World(seed, count);
    const at = 20 + world.roll(200);
    for (let turn = 0; turn < at; turn += 1) world.turn();
    const frame = world.pages[0].match.frame;
    for (const index of world.players.keys()) world.reload(index, { remembers: true });
    world.until(() => world.pages.every(({ isPlaying }) => isPlaying));
    assert.ok(world.pages[0].match.frame >= Math.min(frame, FRAMES) - 10);
    world.finish();
  }
});

test('all pages reloaded at once, and nobody remembers: the game is forgotten, and never begun anew', () => {
  for (const count of [2, 3]) {
    const world = new World(5, count);
    world.until(() => world.pages[0].match.frame === 30);
    for (const index of world.players.keys()) world.reload(index, { remembers: false });
    world.until(() => world.pages.every(({ forgotten }) => forgotten));
    assert.ok(world.pages.every(({ isPlaying }) => !isPlaying));
  }
});

test('one of three remembers: that is enough for all', () => {
  const world = new World(6, 3);
  world.until(() => world.pages[0].match.frame === 90);
  for (const index of [0, 2]) world.reload(index, { remembers: false });
  world.finish();
});

test('pages reloaded before anybody has acted begin from the first frame', () => {
  const world = new World(7, 2);
  for (const index of world.players.keys()) world.reload(index, { remembers: false });
  world.finish();
});

test('the game goes on without a player: the same on every page, whatever each had heard of the one who left', () => {
  for (let seed = 0; seed < 120; seed += 1) {
    const world = new World(seed, 3, { lossOutOf: seed % 2 === 0 ? 6 : 0 });
    const at = 10 + world.roll(140);
    for (let turn = 0; turn < at; turn += 1) world.turn();
    const gone = world.roll(3);
    world.remove(gone);
    // The server's word comes to each at its own time, and may be for a frame that some have passed.
    const frame = Math.max(0, world.pages[gone].match.frame - 3 + world.roll(8));
    for (const page of world.pages.filter(({ closed }) => !closed)) {
      const wait = world.roll(12);
      for (let turn = 0; turn < wait; turn += 1) world.turn();
      page.meeting.leave({ player: gone, frame, cut: null });
    }
    const record = world.finish();
    const [action, frames] = record.actions[gone].slice(-2);
    assert.ok(action === 0 && frames > 10, 'stands still to the end');
  }
});

test('a page that is reloaded while another leaves learns of it from those who stay', () => {
  for (let seed = 0; seed < 120; seed += 1) {
    const world = new World(seed, 3, { lossOutOf: seed % 2 === 0 ? 8 : 0 });
    const at = 20 + world.roll(150);
    for (let turn = 0; turn < at; turn += 1) world.turn();
    const gone = world.roll(3);
    const [stays, comesBack] = [0, 1, 2].filter((index) => index !== gone);
    const frame = world.pages[gone].match.frame;
    world.remove(gone);
    const reloadsFirst = world.roll(2) === 0;
    if (reloadsFirst) world.reload(comesBack, { remembers: world.roll(2) === 0 });
    world.pages[stays].meeting.leave({ player: gone, frame, cut: null });
    const wait = world.roll(20);
    for (let turn = 0; turn < wait; turn += 1) world.turn();
    if (!reloadsFirst) world.reload(comesBack, { remembers: world.roll(2) === 0 });
    world.finish();
  }
});

test('two of three leave one after the other: the last one plays on alone', () => {
  const world = new World(8, 3);
  world.until(() => world.pages[0].match.frame === 40);
  world.remove(1);
  world.pages[0].meeting.leave({ player: 1, frame: 40, cut: null });
  world.remove(2);
  world.pages[0].meeting.leave({ player: 2, frame: 41, cut: null });
  world.finish();
});

test('a player who is told to have left cannot come in again by asking', () => {
  const world = new World(9, 3);
  world.until(() => world.pages[0].match.frame === 40);
  for (const index of [0, 1]) world.pages[index].meeting.leave({ player: 2, frame: 40, cut: null });
  world.until(() => world.pages[0].match.frame > 60);
  world.remove(2);
  world.finish();
});

test('long messages go in parts that come in any order, and a newer message takes the place of an unfinished one', () => {
  const message = { history: [Array.from({ length: 500 }, (_, at) => at)] };
  const parts = toParts(message, 7, 100);
  assert.ok(parts.length > 10);
  assert.ok(parts.every(({ text }) => text.length <= 100));
  const assembly = new Assembly();
  const whole = [...parts].reverse().map((part) => assembly.add('a', part));
  assert.deepEqual(whole.pop(), message);
  assert.ok(whole.every((one) => one === null));
  assert.equal(assembly.add('a', parts[0]), null);
  assert.deepEqual(assembly.add('a', toParts('short', 8)[0]), 'short');
  assert.deepEqual(assembly.add('b', toParts('other', 8)[0]), 'other');
});

test('a part is far below what the relay takes, also with ids that need escapes', () => {
  const [part] = toParts({ text: '"'.repeat(300_000) }, 1);
  assert.ok(Buffer.byteLength(JSON.stringify(part)) < 256 * 1024);
  const [other] = toParts({ text: '✓'.repeat(300_000) }, 1);
  assert.ok(Buffer.byteLength(JSON.stringify(other)) <= 310_000);
});
