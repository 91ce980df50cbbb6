// Reading WAV files sample by sample: a browser's own decoder would resample them first.

const [PCM, FLOAT, EXTENSIBLE] = [1, 3, 0xfffe];

/**
 * Return the channels of a WAV file, or null where it is none, or not of plain samples.
 *
 * @param {ArrayBuffer} bytes
 * @returns {{channels: Float32Array[], rate: number}|null} Samples from -1 to 1, and Hz.
 */
export function readWav(bytes) {
  const view = new DataView(bytes);
  if (bytes.byteLength < 12 || text(view, 0) !== "RIFF" || text(view, 8) !== "WAVE") return null;
  const { format, data } = chunks(view);
  if (!format || !data) return null;
  const read = reader(view, format.kind, format.bits);
  if (!read || !format.channels || !format.rate) return null;
  const width = format.bits / 8;
  const frame = width * format.channels;
  const count = Math.floor(data.length / frame);
  const channels = Array.from({ length: format.channels }, (_, channel) => {
    const samples = new Float32Array(count);
    const first = data.start + channel * width;
    for (let n = 0; n < count; n += 1) samples[n] = read(first + n * frame);
    return samples;
  });
  return { channels, rate: format.rate };
}

function text(view, offset) {
  return String.fromCharCode(...[0, 1, 2, 3].map((n) => view.getUint8(offset + n)));
}

function chunks(view) {
  let [format, data, offset] = [null, null, 12];
  while (offset + 8 <= view.byteLength && !data) {
    const [name, length] = [text(view, offset), view.getUint32(offset + 4, true)];
    const start = offset + 8;
    if (name === "fmt " && start + 16 <= view.byteLength) format = readFormat(view, start, length);
    // Of a file that was cut off, or written to a pipe, what there is.
    if (name === "data") data = { start, length: Math.min(length, view.byteLength - start) };
    offset = start + length + (length % 2);
  }
  return { format, data };
}

function readFormat(view, start, length) {
  const tag = view.getUint16(start, true);
  const hasGuid = tag === EXTENSIBLE && length >= 26 && start + 26 <= view.byteLength;
  return {
    // The first two bytes of an extensible format's GUID are what the tag else is.
    kind: hasGuid ? view.getUint16(start + 24, true) : tag,
    channels: view.getUint16(start + 2, true),
    rate: view.getUint32(start + 4, true),
    bits: view.getUint16(start + 14, true),
  };
}

/** Return what reads a sample at an offset. */
function reader(view, kind, bits) {
  if (kind === FLOAT && bits === 32) return (at) => view.getFloat32(at, true);
  if (kind === FLOAT && bits === 64) return (at) => view.getFloat64(at, true);
  if (kind !== PCM) return null;
  if (bits === 8) return (at) => (view.getUint8(at) - 128) / 128;
  if (bits === 16) return (at) => view.getInt16(at, true) / 32768;
  if (bits === 24) {
    return (at) => (view.getUint16(at, true) + 65536 * view.getInt8(at + 2)) / 8388608;
  }
  return bits === 32 ? (at) => view.getInt32(at, true) / 2147483648 : null;
}
