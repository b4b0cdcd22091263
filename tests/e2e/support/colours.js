/**
 * @typedef {{ r: number, g: number, b: number, a: number }} Rgba channels 0-255, alpha 0-1
 */

/**
 * Whether people would call this colour red: a hue around 0 degrees that is saturated enough to be noticed. Dark greys, browns of
 * little saturation, orange and pink-violet are not.
 *
 * @param {Rgba} colour
 */
export function isReddish({ r, g, b, a }) {
  const max = Math.max(r, g, b);
  const min = Math.min(r, g, b);
  const chroma = max - min;
  if (a < 0.05 || chroma < 24 || chroma / max < 0.08 || max !== r) return false;
  const hue = ((60 * (g - b)) / chroma + 360) % 360;
  return hue <= 22 || hue >= 335;
}

/**
 * Runs in the page: every colour that the elements inside the open shadow root of `#id` are painted with. The browser
 * itself turns whatever notation a colour has into channels, by painting one pixel with it.
 *
 * @param {string} id
 * @returns {{ where: string, property: string, rgba: Rgba }[]}
 */
export function collectColours(id) {
  const root = document.getElementById(id)?.shadowRoot;
  if (!root) throw new Error(`#${id} has no open shadow root`);
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('no 2d canvas');
  /** @param {string} text */
  const channels = (text) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = text;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return { r, g, b, a: a / 255 };
  };
  const properties = [
    'color',
    'background-color',
    'background-image',
    'border-top-color',
    'border-right-color',
    'border-bottom-color',
    'border-left-color',
    'outline-color',
    'text-decoration-color',
    'box-shadow',
    'text-shadow',
    'fill',
    'stroke',
  ];
  const notation = /(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color)\([^()]*\)/g;
  /** @type {{ where: string, property: string, rgba: Rgba }[]} */
  const found = [];
  for (const element of root.querySelectorAll('*')) {
    if (element.localName === 'style') continue;
    for (const part of [null, '::before', '::after']) {
      const style = getComputedStyle(element, part);
      if (part && style.content === 'none') continue;
      for (const property of properties) {
        for (const [text] of style.getPropertyValue(property).matchAll(notation)) {
          found.push({ where: element.localName + (part ?? ''), property, rgba: channels(text) });
        }
      }
    }
  }
  return found;
}
