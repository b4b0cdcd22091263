// The parts of the drop-in that need no MUG: what it does where there is none, and where it sends people.

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { answer, makeCode, outcomeOf } from '../../js/mug/redirect.js';
import { MatchSocket } from '../../js/mug/socket.js';
import { replaceMonitoring } from '../../js/mug.js';

const nobody = () => assert.fail('no code was to be made up');

test('on a page without MUG it says what is missing', async () => {
  await assert.rejects(replaceMonitoring(), { code: 'no_socket', message: /there is no `window.socket`/ });
});

test('where stillhere cannot be loaded nothing of MUG is touched, and it can be tried again', async () => {
  const socket = new EventEmitter();
  const { emit } = socket;
  const failing = {
    init: () => Promise.reject(new Error('no wasm')),
    ParticipantSession: /** @type {any} */ (class {}),
  };
  const options = { socket, game: () => null, module: failing };
  await assert.rejects(replaceMonitoring(options), /no wasm/);
  assert.deepEqual(socket.eventNames(), []);
  assert.equal(socket.emit, emit);
  await assert.rejects(replaceMonitoring(options), /no wasm/);
});

test('called twice it is there once', async () => {
  const socket = new EventEmitter();
  const module = { init: () => Promise.resolve(), ParticipantSession: /** @type {any} */ (class {}) };
  const options = { socket, game: () => null, module };
  const [one, other] = await Promise.all([replaceMonitoring(options), replaceMonitoring(options)]);
  assert.equal(one, other);
  assert.equal(socket.listenerCount('pyodide_player_assigned'), 1);
  one.dispose();
  assert.deepEqual(socket.eventNames(), []);
});

test('each outcome has its own address and code, else the default one', () => {
  const redirects = {
    partner_excluded: { url: '/paid?cc={completion_code}&id={participant_id}', completionCode: 'C-{outcome}' },
    default: { url: 'https://lab.example/{outcome}', delayMs: 100 },
  };
  assert.deepEqual(answer(redirects, outcomeOf('partner_exclusion'), 'a b&c', nobody), {
    redirect_url: '/paid?cc=C-partner_excluded&id=a%20b%26c',
    redirect_timeout: 5000,
    completion_code: 'C-partner_excluded',
  });
  assert.deepEqual(
    answer(redirects, outcomeOf('tab_hidden'), 'ada', () => null),
    { redirect_url: 'https://lab.example/excluded', redirect_timeout: 100, completion_code: null },
  );
});

test('without addresses the page stays, and the code is the one that was made up', () => {
  const code = makeCode();
  assert.match(code, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual(
    answer({}, 'partner_disconnected', 'ada', () => code),
    { redirect_url: null, redirect_timeout: 5000, completion_code: code },
  );
});

/** MUG's socket, as far as a session sees it. */
class FakeSocket extends EventEmitter {
  connected = true;
  /** @type {[string, any][]} */
  sent = [];

  /** @param {string} name @param {any[]} args */
  emit(name, ...args) {
    this.sent.push([name, args[0]]);
    return true;
  }
}

test("the session's pings take the place of MUG's, and MUG's go on after them", () => {
  const page = /** @type {any} */ (globalThis);
  const socket = new FakeSocket();
  const session = new MatchSocket(socket, () => ({}));
  session.emit('ping', { seq: 1 }, () => {});
  const sentAt = page.lastPingTime;
  // As MUG does every second.
  page.lastPingTime = sentAt + 400;
  socket.emit('ping', { ping_ms: 4 });
  assert.deepEqual(socket.sent, [['ping', { seq: 1 }]]);
  assert.equal(page.lastPingTime, sentAt, 'MUG measures the ping that is on its way');
  socket.emit('leave_game', {});
  session.pings.end();
  socket.emit('ping', { ping_ms: 4 });
  assert.deepEqual(
    socket.sent.map(([name]) => name),
    ['ping', 'leave_game', 'ping'],
  );
  assert.equal(socket.emit, FakeSocket.prototype.emit);
});

test('a partner who has played to the end is not taken for one who is lost', () => {
  const socket = new EventEmitter();
  const session = new MatchSocket(socket, () => ({}));
  /** @type {any[]} */
  const heard = [];
  const listener = (/** @type {any} */ ended) => heard.push(ended.reason);
  session.pings.end();
  session.on('p2p_game_ended', listener);
  socket.emit('p2p_game_ended', { reason: 'scene_completed' });
  socket.emit('p2p_game_ended', { reason: 'partner_disconnected' });
  assert.deepEqual(heard, ['partner_disconnected']);
  session.off('p2p_game_ended', listener);
  assert.deepEqual(socket.eventNames(), []);
});

test('with options that cannot be, a game of MUG keeps its own monitoring', async (t) => {
  const document = { createElement: () => ({ remove() {} }), body: { append() {} } };
  Object.assign(globalThis, { document });
  t.after(() => Reflect.deleteProperty(globalThis, 'document'));
  const logged = t.mock.method(console, 'error', () => {});
  const own = /** @type {any} */ ({ enabled: true });
  class Mugs {
    continuousMonitor = own;
    isDone() {
      return false;
    }
  }
  const [socket, game] = [new FakeSocket(), new Mugs()];
  const refusing = { attach: () => assert.fail('invalid_options') };
  const module = { init: () => Promise.resolve(), ParticipantSession: /** @type {any} */ (refusing) };
  const { session } = await replaceMonitoring({ socket, game: () => game, module });
  for (const listener of socket.listeners('pyodide_player_assigned')) listener({ player_id: 0, game_id: 'g' });
  assert.equal(logged.mock.callCount(), 1);
  assert.equal(session, undefined);
  assert.deepEqual(Object.keys(game), ['continuousMonitor']);
  assert.equal(game.continuousMonitor, own);
  assert.equal(own.enabled, true);
  assert.equal(socket.emit, FakeSocket.prototype.emit);
});
