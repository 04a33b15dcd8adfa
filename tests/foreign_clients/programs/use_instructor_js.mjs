// Instructor for JavaScript.
import Instructor from "@instructor-ai/instructor";
import OpenAI from "openai";
import { z } from "zod";
import { BASE_URL, expect, KEY, MODEL, report } from "./common.mjs";

const person = { schema: z.object({ name: z.string(), age: z.number() }), name: "Person" };
const messages = [{ role: "user", content: "Somebody" }];

// Its modes for JSON send a schema that OpenAI's API does not have.
await report({
  tools: async () => {
    const client = Instructor({ client: new OpenAI({ baseURL: BASE_URL, apiKey: KEY }), mode: "TOOLS" });
    const made = await client.chat.completions.create({ model: MODEL, messages, response_model: person });
    expect(made.name !== undefined, "name");
  },
});
