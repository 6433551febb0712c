// The phone's queue: a report that was handed in is kept until the server has it. One bad record never stops the rest.
const NAME = "lagesbild";
const STORE = "reports";
const LONGEST_WAIT = 5 * 60_000;
const TIMEOUT = 60_000; // a photo over a slow net; longer at each try

let opened;
const database = () => {
  opened ??= new Promise((done, failed) => {
    const request = indexedDB.open(NAME, 1);
    request.addEventListener("upgradeneeded", () => request.result.createObjectStore(STORE, { keyPath: "id" }));
    request.addEventListener("success", () => done(request.result));
    request.addEventListener("error", () => failed(request.error));
  });
  return opened;
};

// One operation in a transaction of its own; done when it is on the disk, not before.
async function run(mode, work) {
  const transaction = (await database()).transaction(STORE, mode, { durability: "strict" });
  const request = work(transaction.objectStore(STORE));
  return new Promise((done, failed) => {
    transaction.addEventListener("complete", () => done(request.result));
    transaction.addEventListener("error", () => failed(transaction.error));
    transaction.addEventListener("abort", () => failed(transaction.error));
  });
}

export const keep = (record) => run("readwrite", (store) => store.put(record));
export const remove = (id) => run("readwrite", (store) => store.delete(id));
export const find = (id) => run("readonly", (store) => store.get(id));
export const all = async () => (await run("readonly", (store) => store.getAll())).sort((a, b) => a.made - b.made);

const alone = (work) => (navigator.locks ? navigator.locks.request("lagesbild-queue", work) : work());

const later = (tries) => Math.min(LONGEST_WAIT, 1000 * 2 ** tries) * (0.5 + Math.random() / 2);

async function problem(answer) {
  try {
    return await answer.json();
  } catch {
    return {};
  }
}

// What an answer means for a record: sent, waits, needs a hand, or nobody is signed in.
async function send(record) {
  const about = { made: String(record.made), sent: String(Date.now()), owner: record.owner };
  const body = new FormData();
  for (const [name, value] of Object.entries({ ...record.fields, ...about })) body.set(name, value);
  // Kept as bytes, made a file now: some browsers lose the content of a file that lay in their database.
  if (record.photo) body.set("photo", new Blob([record.photo], { type: "image/jpeg" }), "bild.jpg");
  let answer;
  try {
    answer = await fetch("/rapportera", { method: "POST", body, headers: { accept: "application/json" }, redirect: "error", signal: AbortSignal.timeout(TIMEOUT * Math.min(5, record.tries + 1)) });
  } catch (error) {
    // Too slow for this one is no reason to hold the others back.
    return { state: "waiting", wait: later(record.tries), offline: error.name !== "TimeoutError" };
  }
  // Only our own receipt counts: a café's login page says 200 to everything.
  const receipt = answer.ok ? await problem(answer) : {};
  if (typeof receipt.number === "string") return { state: "sent", ...receipt };
  if (answer.status === 401 || answer.status === 403) return { state: "waiting", wait: LONGEST_WAIT, login: true };
  if ([400, 413, 422].includes(answer.status)) {
    const said = await problem(answer);
    return { state: "act", error: said.errors?.map((e) => e.msg).join(" ") || said.title || "", photo: said.type?.endsWith("/photo") };
  }
  const asked = Number(answer.headers.get("retry-after")) * 1000;
  return { state: "waiting", wait: asked || later(record.tries) };
}

// Send what waits and is this person's, oldest first, one tab at a time. `tell(event, record, outcome)` hears each step.
// Answers when to try again, in milliseconds, or nothing.
export function flush(owner, tell, { now = false } = {}) {
  return alone(async () => {
    let next = Infinity;
    for (const record of await all()) {
      if (record.owner !== owner || record.state === "act") continue;
      if (!now && record.next > Date.now()) {
        next = Math.min(next, record.next);
        continue;
      }
      // Taken away or given up by hand while the one before was being sent: it stays here.
      const fresh = await find(record.id);
      if (!fresh || fresh.state === "act") continue;
      tell("sending", record);
      const outcome = await send(fresh);
      if (outcome.state === "sent") {
        await remove(record.id);
      } else {
        const moved = { ...record, state: outcome.state, tries: record.tries + 1, next: Date.now() + (outcome.wait ?? 0), error: outcome.error ?? "", badPhoto: Boolean(outcome.photo) };
        // Taken away by hand meanwhile: it stays away. No room for the note: the record is there as it was.
        if (await find(record.id)) await keep(moved).catch(() => {});
        if (outcome.state === "waiting") next = Math.min(next, moved.next);
      }
      tell(outcome.state, record, outcome);
      if (outcome.login || outcome.offline) {
        next = Math.min(next, Date.now() + (outcome.wait ?? 0));
        break; // the others would fare no better
      }
    }
    return next === Infinity ? null : Math.max(1000, next - Date.now());
  });
}
