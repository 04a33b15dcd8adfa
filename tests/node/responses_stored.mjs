// Stored responses: fetched, listed, deleted, made in the background.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { NotFoundError } from "openai";
import { collect, refused } from "./harness.mjs";
import { createAt, eventsOf } from "./responses.mjs";

const PATIENCE = 20_000;
const missing = (call) => refused(NotFoundError, call);

async function finished(setup, id) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(50)) {
    const found = await setup.client.responses.retrieve(id);
    if (!["queued", "in_progress"].includes(found.status)) return found;
  }
  throw new Error("it never finished");
}

export default {
  async retrieve(setup) {
    const made = await createAt(setup)({ metadata: { case: "7" } });
    const kept = await setup.client.responses.retrieve(made.id);
    assert.deepEqual([kept.id, kept.output_text, kept.metadata], [made.id, made.output_text, { case: "7" }]);
    assert.deepEqual(kept.usage, made.usage);
  },

  async retrieve_one_that_was_streamed(setup) {
    const { response: made } = (await eventsOf(setup)).at(-1);
    assert.equal((await setup.client.responses.retrieve(made.id)).id, made.id);
  },

  async input_items(setup) {
    const input = ["Tell me", "And then?"].map((content) => ({ role: "user", content }));
    const made = await createAt(setup)({ input });
    const items = await collect(await setup.client.responses.inputItems.list(made.id, { order: "asc" }));
    assert.deepEqual(items.map((item) => item.content[0].text), ["Tell me", "And then?"]);
    const newest = await collect(await setup.client.responses.inputItems.list(made.id, { limit: 1 }));
    assert.deepEqual(newest.map((item) => item.id), [items[1].id, items[0].id]);
  },

  async delete(setup) {
    const made = await createAt(setup)();
    await setup.client.responses.delete(made.id);
    await missing(() => setup.client.responses.retrieve(made.id));
    await missing(() => setup.client.responses.delete(made.id));
  },

  async what_is_not_stored(setup) {
    const made = await createAt(setup)({ store: false });
    await missing(() => setup.client.responses.retrieve(made.id));
    await missing(() => setup.client.responses.retrieve("resp_unheard_of"));
  },

  async cancel_in_the_background(setup) {
    const running = await createAt(setup)({ background: true, simulator: { tokens: 2000, tps: 100 } });
    assert.ok(["queued", "in_progress"].includes(running.status), running.status);
    const stopped = await setup.client.responses.cancel(running.id);
    assert.deepEqual([stopped.id, stopped.status], [running.id, "cancelled"]);
  },

  async resume_a_background_stream(setup) {
    const order = { background: true, stream: true, simulator: { tokens: 100, tps: 400 } };
    const events = [];
    for await (const event of await createAt(setup)(order)) {
      events.push(event);
      if (events.length === 8) break;
    }
    const [{ response: made }] = events;
    const rest = { stream: true, starting_after: events.at(-1).sequence_number };
    events.push(...(await collect(await setup.client.responses.retrieve(made.id, rest))));
    assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, index) => index));
    assert.deepEqual([events.at(-1).type, events.at(-1).response.id], ["response.completed", made.id]);
  },

  async a_background_response_is_fetched(setup) {
    const made = await createAt(setup)({ background: true });
    const fetched = await finished(setup, made.id);
    assert.deepEqual([fetched.id, fetched.status], [made.id, "completed"]);
    assert.match(fetched.output_text, /amber basin/);
  },
};
