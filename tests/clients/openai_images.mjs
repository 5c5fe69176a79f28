// The images API called by the official Node client: edits, streams, models, errors.
//
// usage: node openai_images.mjs BASE_URL [API_KEY]
//
// BASE_URL is a server such as http://127.0.0.1:8080, whose first recipe makes several candidates with the embedded editor.

import assert from "node:assert/strict";
import jpeg from "jpeg-js";
import OpenAI, { toFile } from "openai";
import { PNG } from "pngjs";

const [WIDTH, HEIGHT] = [96, 64];
const [base, key = "none"] = process.argv.slice(2);
if (!base) {
  console.error("usage: node openai_images.mjs BASE_URL [API_KEY]");
  process.exit(2);
}
// The client wants a key, also for a server that wants none.
const client = new OpenAI({ baseURL: `${base.replace(/\/$/, "")}/v1`, apiKey: key, maxRetries: 0, timeout: 120_000 });

/** A PNG whose pixels a function says, as a file. */
function picture(name, pixel) {
  const png = new PNG({ width: WIDTH, height: HEIGHT });
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) png.data.set(pixel(x, y), 4 * (y * WIDTH + x));
  }
  return toFile(PNG.sync.write(png), name, { type: "image/png" });
}

const stripes = (x, y) => [Math.floor((x * 255) / WIDTH), Math.floor((y * 255) / HEIGHT), (x * 7 + y * 3) % 200, 255];
const photo = () => picture("photo.png", stripes);
const halfMask = () => picture("mask.png", (x) => [0, 0, 0, x < WIDTH / 2 ? 0 : 255]);

/** Width and height of a WebP file without loss: the header has them, 14 bits each. */
function webp(bytes) {
  assert.equal(bytes.toString("latin1", 0, 4) + bytes.toString("latin1", 8, 16), "RIFFWEBPVP8L");
  const packed = bytes.readUInt32LE(21);
  return { width: (packed & 0x3fff) + 1, height: ((packed >> 14) & 0x3fff) + 1 };
}

/** What a file is; its pixels are read, but for WebP. */
function decoded(bytes) {
  if (bytes[0] === 0x89) return { format: "png", ...PNG.sync.read(bytes) };
  if (bytes[0] === 0xff) return { format: "jpeg", ...jpeg.decode(bytes) };
  return { format: "webp", ...webp(bytes) };
}

/** The picture of an entry or an event. */
function shown(entry) {
  const found = decoded(Buffer.from(entry.b64_json, "base64"));
  return { ...found, size: `${found.width}x${found.height}` };
}

const edit = async (more = {}) => client.images.edit({ image: await photo(), prompt: "make it warmer", ...more });

/** The error of this kind that an edit ends with. */
async function refused(kind, more) {
  const error = await edit(more).then(
    () => assert.fail(`expected ${kind.name}, and the edit went well`),
    (error) => error,
  );
  assert.ok(error instanceof kind, `expected ${kind.name}, found ${error}`);
  return error;
}

const checks = {
  async "one edit"() {
    const answer = await edit();
    assert.equal(answer.data.length, 1);
    assert.equal(shown(answer.data[0]).size, `${WIDTH}x${HEIGHT}`);
    assert.deepEqual([answer.output_format, answer.size, answer.editscale.state], ["png", `${WIDTH}x${HEIGHT}`, "done"]);
    assert.equal(answer.usage.total_tokens, answer.usage.input_tokens + answer.usage.output_tokens);
    assert.ok(Object.keys(answer.data[0].scores).length > 0);
  },
  async "a list of one image"() {
    assert.equal((await edit({ image: [await photo()] })).data.length, 1);
  },
  async "the best of several"() {
    const { data } = await edit({ n: 3 });
    const utilities = data.map((entry) => entry.utility);
    assert.equal(new Set(data.map((entry) => entry.b64_json)).size, 3);
    assert.deepEqual(utilities, [...utilities].sort((a, b) => b - a));
  },
  async sizes() {
    for (const [size, expected] of [["auto", `${WIDTH}x${HEIGHT}`], ["48x32", "48x32"], ["192x128", "192x128"]]) {
      assert.equal(shown((await edit({ size })).data[0]).size, expected);
    }
  },
  async formats() {
    for (const output_format of ["png", "jpeg", "webp"]) {
      const answer = await edit({ output_format, output_compression: 80 });
      const { format, size } = shown(answer.data[0]);
      assert.deepEqual([format, answer.output_format, size], [output_format, output_format, `${WIDTH}x${HEIGHT}`]);
    }
  },
  async "the mask"() {
    const { data } = shown((await edit({ mask: await halfMask() })).data[0]);
    const at = (x, y) => [...data.subarray(4 * (y * WIDTH + x), 4 * (y * WIDTH + x) + 3)];
    let changed = 0;
    for (let y = 0; y < HEIGHT; y += 1) {
      assert.deepEqual(at(WIDTH - 4, y), stripes(WIDTH - 4, y).slice(0, 3));
      changed += at(10, y).some((value, channel) => value !== stripes(10, y)[channel]);
    }
    assert.ok(changed > 0);
  },
  async addresses() {
    for (const { url, b64_json } of (await edit({ response_format: "url", n: 2 })).data) {
      assert.ok(url.startsWith(base) && b64_json === undefined);
      const response = await fetch(url);
      assert.equal(response.headers.get("content-type"), "image/png");
      assert.equal(decoded(Buffer.from(await response.arrayBuffer())).width, WIDTH);
    }
  },
  async "what has no effect"() {
    const answer = await edit({ quality: "high", background: "opaque", input_fidelity: "high", user: "u-1", style: "vivid" });
    assert.deepEqual(answer.editscale.ignored, ["style"]);
  },
  async "extension fields"() {
    const search = { best_of_n: { samples: 3 } };
    const { editscale } = await edit({ seed: 7, budget: { edits: 5 }, search, trace: true, deadline_secs: 60 });
    assert.deepEqual([editscale.ledger.edits, editscale.trace.seed, editscale.trace.candidates.length], [3, 7, 3]);
    const text = await edit({ search: JSON.stringify({ best_of_n: { samples: 2 } }) });
    assert.equal(text.editscale.ledger.edits, 2);
  },
  async "a stream"() {
    const events = [];
    for await (const event of await edit({ stream: true, partial_images: 2, n: 2, output_format: "jpeg" })) events.push(event);
    const kinds = events.map((event) => event.type);
    const partial = kinds.slice(0, -2);
    assert.deepEqual(kinds.slice(-2), ["image_edit.completed", "image_edit.completed"]);
    assert.ok(partial.length >= 1 && partial.length <= 2 && partial.every((kind) => kind === "image_edit.partial_image"));
    for (const event of events) {
      assert.deepEqual([shown(event).size, event.size, event.output_format], [`${WIDTH}x${HEIGHT}`, `${WIDTH}x${HEIGHT}`, "jpeg"]);
      assert.ok(event.created_at > 0 && event.quality && event.background === "opaque");
    }
    assert.deepEqual(events.slice(0, -2).map((event) => event.partial_image_index), [...partial.keys()]);
    assert.ok(events.at(-1).usage.total_tokens >= 0 && events.at(-1).editscale.run);
  },
  async "a stream that is left early"() {
    const stream = await edit({ stream: true });
    for await (const event of stream) {
      assert.ok(event.b64_json);
      break;
    }
  },
  async "an error within a stream"() {
    const follow = async () => {
      for await (const event of await edit({ prompt: "add a cat in a hat", stream: true })) assert.fail(event.type);
    };
    await assert.rejects(follow, (error) => error instanceof OpenAI.APIError && error.code === "run_failed");
  },
  async "typed errors"() {
    const wrong = { n: 11, size: "big", background: "transparent", partial_images: 4, output_format: "svg" };
    for (const [field, value] of Object.entries(wrong)) {
      assert.equal((await refused(OpenAI.BadRequestError, { [field]: value })).param, field);
    }
    assert.equal((await refused(OpenAI.BadRequestError, { image: [await photo(), await photo()] })).param, "image");
    assert.equal((await refused(OpenAI.NotFoundError, { model: "no-such-recipe" })).code, "model_not_found");
    assert.equal((await refused(OpenAI.UnprocessableEntityError, { prompt: "add a cat in a hat" })).code, "run_failed");
  },
  async keys() {
    if (key === "none") return;
    await assert.rejects(client.withOptions({ apiKey: "es-wrong" }).models.list(), OpenAI.AuthenticationError);
  },
  async models() {
    const { data } = await client.models.list();
    assert.ok(data.length > 0 && data.every((model) => model.object === "model" && model.owned_by === "editscale"));
    assert.ok((await client.models.retrieve(data[0].id)).editors.length > 0);
    assert.equal((await edit({ model: data.at(-1).id })).data.length, 1);
    await assert.rejects(client.models.retrieve("no-such-recipe"), OpenAI.NotFoundError);
  },
};

let [passed, failed] = [0, 0];
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    passed += 1;
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${error.name}: ${error.message}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
