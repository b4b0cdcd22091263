/**
 * The page as it is: what is shown, what the browser tells, and a clock. What any of it means, the session decides.
 *
 * @module stillhere/page
 */

/**
 * Where and how things are shown.
 *
 * @typedef {object} Stage
 * @property {Element} [mount] the body if absent
 * @property {string} [direction] the page's own if absent
 * @property {string} css
 */

/**
 * @param {EventTarget} target
 * @param {string} name
 * @param {(event: any) => void} listener
 * @param {boolean} [capture]
 * @returns {() => void} ends it
 */
function on(target, name, listener, capture) {
  target.addEventListener(name, listener, capture);
  return () => target.removeEventListener(name, listener, capture);
}

/** Which event says what; `LOOKS` leaves it to the document. */
const LOOKS = 0;
const VISIBLE = 1;
const HIDDEN = 2;
const GONE = 3;
const BLURRED = 4;
const FOCUSED = 5;
const ONLINE = 6;

/**
 * Tells how it is now, and from now on whatever changes.
 *
 * @param {(what: number) => void} tell
 * @returns {() => void} ends it
 */
export function watch(tell) {
  /** @type {[EventTarget, string, number][]} */
  const events = [
    [document, 'visibilitychange', LOOKS],
    [document, 'freeze', HIDDEN],
    [document, 'resume', LOOKS],
    [window, 'pagehide', GONE],
    [window, 'pageshow', LOOKS],
    [window, 'blur', BLURRED],
    [window, 'focus', FOCUSED],
    [window, 'online', ONLINE],
  ];
  if (document.hidden) tell(HIDDEN);
  if (!document.hasFocus()) tell(BLURRED);
  const listening = events.map(([target, name, what]) =>
    on(target, name, () => tell(what || (document.hidden ? HIDDEN : VISIBLE))),
  );
  return () => {
    for (const end of listening) end();
  };
}

export const isHidden = () => document.hidden;

/** `ticker.js` for pages whose bundler has left that file behind. */
const TICKER = 'onmessage=({data:interval})=>setInterval(()=>postMessage(performance.now()),interval)';

/** Beside this package; a classic bundle has no address of its own. */
function packagedTicker() {
  try {
    return new URL('../../../../js/ticker.js', import.meta.url).href;
  } catch {
    return undefined;
  }
}

/**
 * Beats by the first clock that the browser lets us have: the packaged script in a worker, which a strict
 * Content-Security-Policy allows; the same script inline; a timer of the page itself.
 *
 * @param {boolean} worker whether it may be a worker
 * @param {string | undefined} url where its script is, if not beside the package
 * @param {number} interval in milliseconds
 * @param {(posted: number) => void} beat gets the time at which the beat was posted, by its own clock
 * @returns {() => void} ends it
 */
export function tick(worker, url, interval, beat) {
  const scripts = worker ? [url ?? packagedTicker(), `data:text/javascript,${encodeURIComponent(TICKER)}`] : [];
  let stop = next();

  /** @returns {() => void} */
  function next() {
    while (scripts.length) {
      const script = scripts.shift();
      try {
        if (script) return inWorker(script);
      } catch {
        // The next one.
      }
    }
    let last = performance.now();
    const timer = setInterval(() => {
      // Due one interval after the last one was handled: what is above that, the page stood still.
      const posted = last + interval;
      last = performance.now();
      beat(posted);
    }, interval);
    return () => clearInterval(timer);
  }

  /** @param {string} script */
  function inWorker(script) {
    const thread = new Worker(script);
    const end = () => {
      deaf();
      dumb();
      thread.terminate();
    };
    const deaf = on(thread, 'message', ({ data }) => beat(data));
    // Browsers tell by an event, not by an exception, that a policy forbids the script or that there is none.
    const dumb = on(thread, 'error', () => {
      end();
      stop = next();
    });
    thread.postMessage(interval);
    return end;
  }

  return () => stop();
}

/** @param {string} key */
export function stored(key) {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** A browser that keeps nothing (private mode, no room left) costs a seat after a reload, nothing else. @param {string} key @param {string} value */
export function store(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // See above.
  }
}

export const hasPage = () => typeof document !== 'undefined';

/** @param {string} url */
export function go(url) {
  location.assign(url);
}

/** @param {string} tag @param {string} className @param {Element} [parent] */
function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent?.append(made);
  return made;
}

/**
 * A host in the page whose shadow root holds one element.
 *
 * @param {Stage} stage @param {string} id @param {string} className
 */
function open({ mount, direction, css }, id, className) {
  const host = element('div', '');
  host.id = id;
  const root = host.attachShadow({ mode: 'open' });
  // A constructed sheet: the style of an element or a `<style>` is refused by a strict Content-Security-Policy.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
  const content = element('div', className);
  root.append(content);
  if (direction) content.dir = direction;
  (mount ?? document.body ?? document.documentElement).append(host);
  return { host, content };
}

/** @param {Element} region */
function announce(region) {
  region.setAttribute('role', 'status');
  region.setAttribute('aria-live', 'polite');
}

/** Changes a text only if it differs: what is written is read out again by screen readers. @param {Element} target @param {string} text */
function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Nothing to read, nothing to see. @param {HTMLElement} target @param {string | undefined} text */
function writeOrHide(target, text) {
  write(target, text ?? '');
  target.hidden = text === undefined;
}

/** The warning that does not get in the way. */
export class Banner {
  /** @param {Stage} stage @param {string} text */
  constructor(stage, text) {
    const { host, content } = open(stage, 'monitorWarningBanner', 'banner');
    this.host = host;
    this.content = content;
    this.text = text;
    announce(content);
  }

  /** Screen readers read what appears in a region that they know: not at once. */
  read() {
    if (!this.content.firstChild) write(element('p', 'note', this.content), this.text);
  }

  close() {
    this.host.remove();
  }
}

/** What has the focus, inside of shadow roots too. */
function focused() {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return /** @type {HTMLElement | null} */ (active);
}

/** What covers the page. */
export class Dialog {
  /** @param {Stage} stage @param {string} id @param {() => void} pressed */
  constructor(stage, id, pressed) {
    this.before = focused();
    const { host, content } = open(stage, id, 'backdrop');
    this.host = host;
    const card = element('div', 'card', content);
    for (const [name, value] of Object.entries({
      role: 'alertdialog',
      'aria-modal': 'true',
      'aria-labelledby': 'heading',
      'aria-describedby': 'message',
      tabindex: '-1',
    })) {
      card.setAttribute(name, value);
    }
    /** @param {string} tag @param {string} name @param {Element} [parent] */
    const part = (tag, name, parent = card) => {
      const made = element(tag, name, parent);
      made.id = name;
      return made;
    };
    this.heading = part('h2', 'heading');
    this.message = part('p', 'message');
    this.status = part('p', 'status');
    announce(this.status);
    // Read out once, when it begins: every second would be too often.
    this.spoken = part('p', 'spoken');
    announce(this.spoken);
    this.countdown = part('p', 'countdown');
    this.countdown.setAttribute('aria-hidden', 'true');
    this.code = part('p', 'code');
    this.codeLabel = part('span', 'code-label', this.code);
    this.codeText = part('strong', 'code-text', this.code);
    this.button = part('button', 'continue');
    this.button.setAttribute('type', 'button');
    this.button.onclick = pressed;
    const trap = (/** @type {KeyboardEvent} */ event) => {
      // The button is all that there is to go to.
      if (event.key !== 'Tab') return;
      event.preventDefault();
      (this.button.hidden ? card : this.button).focus();
    };
    this.release = on(document, 'keydown', trap, true);
    this.card = card;
  }

  /** @param {string} heading @param {string} message @param {string} status @param {string} [countdown] @param {string} [label] @param {string} [code] @param {string} [button] */
  update(heading, message, status, countdown, label, code, button) {
    write(this.heading, heading);
    write(this.message, message);
    write(this.status, status);
    if (!this.spoken.textContent || countdown === undefined) write(this.spoken, countdown ?? '');
    writeOrHide(this.countdown, countdown);
    if (code !== undefined) {
      write(this.codeLabel, label ?? '');
      write(this.codeText, code);
    }
    this.code.hidden = code === undefined;
    writeOrHide(this.button, button);
  }

  focus() {
    this.card.focus();
  }

  /** The focus goes where it was. */
  close() {
    this.release();
    this.host.remove();
    if (this.before?.isConnected) this.before.focus();
  }
}
