// Responses that are kept: fetched, listed, deleted, made in the background.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { NotFoundError } from "openai";
import { collect, refused } from "./harness.mjs";
import { createAt, eventsOf } from "./responses.mjs";

const PATIENCE = 20_000;
const missing = (call) => refused(NotFoundError, call);

async function finished(door, id) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(50)) {
    const found = await door.client.responses.retrieve(id);
    if (!["queued", "in_progress"].includes(found.status)) return found;
  }
  throw new Error("it never finished");
}

export default {
  async retrieve(door) {
    const made = await createAt(door)({ metadata: { case: "7" } });
    const kept = await door.client.responses.retrieve(made.id);
    assert.deepEqual([kept.id, kept.output_text, kept.metadata], [made.id, made.output_text, { case: "7" }]);
    assert.deepEqual(kept.usage, made.usage);
  },

  async retrieve_one_that_was_streamed(door) {
    const { response: made } = (await eventsOf(door)).at(-1);
    assert.equal((await door.client.responses.retrieve(made.id)).id, made.id);
  },

  async input_items(door) {
    const input = ["Tell me", "And then?"].map((content) => ({ role: "user", content }));
    const made = await createAt(door)({ input });
    const items = await collect(await door.client.responses.inputItems.list(made.id, { order: "asc" }));
    assert.deepEqual(items.map((item) => item.content[0].text), ["Tell me", "And then?"]);
    const newest = await collect(await door.client.responses.inputItems.list(made.id, { limit: 1 }));
    assert.deepEqual(newest.map((item) => item.id), [items[1].id, items[0].id]);
  },

  async delete(door) {
    const made = await createAt(door)();
    await door.client.responses.delete(made.id);
    await missing(() => door.client.responses.retrieve(made.id));
    await missing(() => door.client.responses.delete(made.id));
  },

  async what_is_not_stored(door) {
    const made = await createAt(door)({ store: false });
    await missing(() => door.client.responses.retrieve(made.id));
    await missing(() => door.client.responses.retrieve("resp_unheard_of"));
  },

  async cancel_in_the_background(door) {
    const running = await createAt(door)({ background: true, simulator: { tokens: 2000, tps: 100 } });
    assert.ok(["queued", "in_progress"].includes(running.status), running.status);
    const stopped = await door.client.responses.cancel(running.id);
    assert.deepEqual([stopped.id, stopped.status], [running.id, "cancelled"]);
  },

  async a_background_response_is_fetched(door) {
    const made = await createAt(door)({ background: true });
    const fetched = await finished(door, made.id);
    assert.deepEqual([fetched.id, fetched.status], [made.id, "completed"]);
    assert.match(fetched.output_text, /amber basin/);
  },
};
