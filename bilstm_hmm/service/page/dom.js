// Elements of the page, made without markup: nothing that a file is called can become any.

/**
 * Make an element.
 *
 * @param {string} tag
 * @param {object} properties Properties; those with a dash, and `role`, become attributes, and
 *   what begins with `on` listens.
 * @param {...(Node|string|null)} children Null is left out.
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A share from 0 to 1 in per cent, with no more digits than say something, on one line. */
export function percent(share) {
  return `${(100 * share).toFixed(share > 0 && share < 0.01 ? 1 : 0)}\u00a0%`;
}

/** Seconds as m:ss, or h:mm:ss; with `decimals` of a second. */
export function clock(seconds, decimals = 0) {
  const ticks = Math.round(seconds * 10 ** decimals);
  const whole = Math.floor(ticks / 10 ** decimals);
  const rest = decimals ? `.${String(ticks % 10 ** decimals).padStart(decimals, "0")}` : "";
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)}${rest}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}${rest}`;
}
