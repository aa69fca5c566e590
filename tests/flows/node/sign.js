// Signs what comes on stdin as GitHub does, and prints the value of X-Hub-Signature-256.
import { readFileSync } from "node:fs";
import { Webhooks } from "@octokit/webhooks";

const body = readFileSync(0, "utf8");
const webhooks = new Webhooks({ secret: process.argv[2] });
const signature = await webhooks.sign(body);
if (!(await webhooks.verify(body, signature))) throw new Error("it does not verify its own");
process.stdout.write(signature);
