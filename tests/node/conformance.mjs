// Runs every check with the official Node.js client; prints its version and what harness.mjs reports.

import { readFile } from "node:fs/promises";
import azure from "./azure.mjs";
import chat from "./chat.mjs";
import completions from "./completions.mjs";
import embeddings from "./embeddings.mjs";
import errors from "./errors.mjs";
import { run } from "./harness.mjs";
import images from "./images.mjs";
import models from "./models.mjs";
import responses from "./responses.mjs";
import stored from "./responses_stored.mjs";
import speech from "./speech.mjs";
import transcription from "./transcription.mjs";

const operations = {
  "chat/completions": chat,
  completions,
  responses,
  "responses/{id}": stored,
  embeddings,
  images,
  "audio/speech": speech,
  "audio/transcriptions and translations": transcription,
  models,
  AzureOpenAI: azure,
  errors,
};
const { version } = JSON.parse(await readFile(new URL("package.json", import.meta.resolve("openai")), "utf8"));
console.log(JSON.stringify({ version, runs: await run(operations) }));
