// The list of models, whose entries carry more than the client knows.

import assert from "node:assert/strict";
import { NotFoundError } from "openai";
import { collect, refused } from "./harness.mjs";

const listed = async (setup) =>
  Object.fromEntries((await collect(await setup.client.models.list())).map((model) => [model.id, model]));

export default {
  async list(setup) {
    const models = await listed(setup);
    for (const name of [setup.model(), setup.model("embedding"), "azure/gpt-4o"]) assert.ok(models[name], name);
    assert.ok(!models.private);
    for (const model of Object.values(models)) {
      assert.ok(model.object === "model" && model.created && model.owned_by, model.id);
    }
  },

  async retrieve(setup) {
    for (const name of [setup.model("speech"), "azure/gpt-4o"]) {
      assert.equal((await setup.client.models.retrieve(name)).id, name);
    }
    for (const name of ["private", "nobody-knows"]) {
      const error = await refused(NotFoundError, () => setup.client.models.retrieve(name));
      assert.equal(error.code, "model_not_found");
    }
  },

  async further_members_do_no_harm(setup) {
    const models = await listed(setup);
    assert.ok(models[setup.model()].operations.includes("Responses"));
    assert.deepEqual(models[setup.model("speech")].endpoints, ["/v1/audio/speech"]);
    assert.deepEqual(models[setup.model()].prices, [{ currency: "USD", input: "2.5", output: "10" }]);
  },
};
