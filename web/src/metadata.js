// What an exported model says of itself: the fields of an ONNX file, which is a protocol buffer.

/** Number of the field of the metadata in a model, and of key and value in each of them. */
const [METADATA, KEY, VALUE] = [14, 1, 2];

/**
 * Return the metadata of an ONNX file as text by name.
 *
 * @param {Uint8Array} bytes
 * @returns {Object<string, string>}
 */
export function readMetadata(bytes) {
  const known = {};
  for (const [number, content] of fields(bytes)) {
    if (number !== METADATA) continue;
    const entry = Object.fromEntries(fields(content));
    const [key, value] = [KEY, VALUE].map((part) => new TextDecoder().decode(entry[part]));
    known[key] = value;
  }
  return known;
}

/** The fields of a message that have a length, in order: their numbers, and their bytes. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let [value, unit] = [0, 1];
    for (;;) {
      const byte = bytes[at];
      at += 1;
      value += (byte & 127) * unit;
      if (!(byte & 128)) return value;
      unit *= 128;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag % 8;
    if (kind === 0) varint();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else {
      const length = varint();
      yield [Math.floor(tag / 8), bytes.subarray(at, at + length)];
      at += length;
    }
  }
}
