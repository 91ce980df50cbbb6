// Answers as files, in every format that the command writes.

import { element } from "../dom.js";

/** Hand a file over to the person. */
export function save(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  // Not at once: the browser has only been asked to fetch it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * Return a row of buttons, one a format.
 *
 * @param {object[]} formats Of the service's settings.
 * @param {string} stem The name of the files, without a suffix.
 * @param {(format: string) => Promise<Response>} fetchAs
 * @param {(error: Error) => void} onError
 */
export function downloadButtons(formats, stem, fetchAs, onError) {
  const buttons = formats.map(({ name, suffix }) => {
    const button = element("button", { type: "button", "aria-label": `Download as ${name}` }, name);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        // Two formats are text files.
        const shared = formats.filter((one) => one.suffix === suffix).length > 1;
        const middle = shared && name !== "text" ? `.${name}` : "";
        save(await (await fetchAs(name)).blob(), `${stem}${middle}${suffix}`);
      } catch (error) {
        onError(error);
      } finally {
        button.disabled = false;
      }
    });
    return button;
  });
  return element(
    "div",
    { className: "row", role: "group", "aria-label": "Downloads" },
    element("span", {}, "Download as"),
    ...buttons,
  );
}

/** The name of a file without its suffix. */
export function stemOf(name) {
  return name.replace(/\.[^.]*$/, "") || "recording";
}
