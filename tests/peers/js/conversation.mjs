// What both npm clients share: one action per line in, one outcome per line out.
//
// The tests hold the other end (tests/peers/peer.py). An action is a JSON object that
// names one of the driver's functions in `do`; the rest are its arguments. The outcome
// is what the function returns, or {error, message} where the client reports a failure.

import { createInterface } from 'node:readline';

/** Run actions until the input ends. The first line of input is the configuration. */
export async function converse(makeActions) {
  let actions = null;
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    if (actions === null) {
      actions = await makeActions(request);
      continue;
    }
    const { do: name, ...parameters } = request;
    process.stdout.write(JSON.stringify(await outcome(actions[name], parameters)) + '\n');
  }
}

async function outcome(action, parameters) {
  try {
    return await action(parameters);
  } catch (error) {
    // Both clients copy the service's code into `name`.
    return { error: error.name, message: error.message };
  }
}
