// A server that a test starts and ends.
import { spawn } from "node:child_process";

/// Starts a program at this address, over this folder of runs: its process, and where it can be reached.
export function start(program, address, runs) {
  const child = spawn(program, [address, runs], { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => reject(new Error("the server ended at once")));
    child.stdout.once("data", (told) => resolve({ child, url: String(told).trim().split("\n")[0] }));
  });
}

/// Sends a signal, and waits until the program is gone.
export async function end(child, signal) {
  const gone = new Promise((resolve) => { child.once("exit", resolve); });
  child.kill(signal);
  await gone;
}
