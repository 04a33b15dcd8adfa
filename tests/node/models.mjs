// The list of models, whose entries carry more than the client knows.

import assert from "node:assert/strict";
import { NotFoundError } from "openai";
import { collect, refused } from "./harness.mjs";

const listed = async (door) =>
  Object.fromEntries((await collect(await door.client.models.list())).map((model) => [model.id, model]));

export default {
  async list(door) {
    const models = await listed(door);
    for (const name of [door.model(), door.model("embedding"), "azure/gpt-4o"]) assert.ok(models[name], name);
    assert.ok(!models.private);
    for (const model of Object.values(models)) {
      assert.ok(model.object === "model" && model.created && model.owned_by, model.id);
    }
  },

  async retrieve(door) {
    for (const name of [door.model("speech"), "azure/gpt-4o"]) {
      assert.equal((await door.client.models.retrieve(name)).id, name);
    }
    for (const name of ["private", "nobody-knows"]) {
      const error = await refused(NotFoundError, () => door.client.models.retrieve(name));
      assert.equal(error.code, "model_not_found");
    }
  },

  async further_members_do_no_harm(door) {
    const models = await listed(door);
    assert.ok(models[door.model()].operations.includes("Responses"));
    assert.deepEqual(models[door.model("speech")].endpoints, ["/v1/audio/speech"]);
    assert.deepEqual(models[door.model()].prices, [{ currency: "USD", input: "2.5", output: "10" }]);
  },
};
