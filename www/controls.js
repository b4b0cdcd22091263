import { Action } from './sim.js';

/** @type {Record<string, number>} by physical key, so that WASD lies where it should on every keyboard layout */
const KEYS = {
  ArrowUp: Action.UP,
  ArrowRight: Action.RIGHT,
  ArrowDown: Action.DOWN,
  ArrowLeft: Action.LEFT,
  KeyW: Action.UP,
  KeyD: Action.RIGHT,
  KeyS: Action.DOWN,
  KeyA: Action.LEFT,
};

/**
 * Keyboard, and buttons that carry their action in `data-action`.
 *
 * @param {HTMLElement} buttons
 */
export function startControls(buttons) {
  /** @type {number[]} held down, the newest last */
  let held = [];
  /** @type {number} a press since the last look, however short */
  let pressed = Action.NONE;
  const listening = new AbortController();
  const { signal } = listening;

  /** @param {number} action */
  function press(action) {
    held = [...held.filter((other) => other !== action), action];
    pressed = action;
  }

  /** @param {number} action */
  function release(action) {
    held = held.filter((other) => other !== action);
  }

  function releaseAll() {
    held = [];
  }

  window.addEventListener(
    'keydown',
    (event) => {
      const action = KEYS[event.code];
      if (action && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        if (!event.repeat) {
          press(action);
        }
      }
    },
    { signal },
  );
  window.addEventListener('keyup', (event) => release(KEYS[event.code]), { signal });
  window.addEventListener('blur', releaseAll, { signal });

  for (const button of buttons.querySelectorAll('button')) {
    const action = Number(button.dataset.action);
    button.addEventListener('pointerdown', () => press(action), { signal });
    for (const end of ['pointerup', 'pointercancel', 'pointerleave']) {
      button.addEventListener(end, () => release(action), { signal });
    }
    button.addEventListener('contextmenu', (event) => event.preventDefault(), { signal });
    button.addEventListener(
      'click',
      (event) => {
        // Only a click that no pointer made: Enter, Space, or assistive technology.
        if (event.detail === 0) {
          pressed = action;
        }
      },
      { signal },
    );
  }

  return {
    /** @returns {number} the action to take now */
    action() {
      const action = held[held.length - 1] ?? pressed;
      pressed = Action.NONE;
      return action;
    },
    stop() {
      listening.abort();
      releaseAll();
    },
  };
}
