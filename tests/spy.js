// A function that tells what its instance can see, and searches it. `spy.py` is the same for Python.
const crypto = require("crypto");
const fs = require("fs");
const os = require("os");
const path = require("path");

const kept = [];

exports.handler = async (event, context) => {
  const answer = actions[event.do](...(event.with ?? []));
  await new Promise((done) => setTimeout(done, (event.hold ?? 0) * 1000));
  return { answer, instance: context.logStreamName };
};

const text = (file) => fs.readFileSync(file, "latin1");
const lines = (file) => text(file).split("\n").filter(Boolean);
const there = (file) => (fs.existsSync(file) ? fs.readdirSync(file) : []);
const numbers = (folder) => fs.readdirSync(folder).filter((name) => /^\d+$/.test(name));

function descriptors() {
  const links = {};
  for (const number of fs.readdirSync("/proc/self/fd")) {
    try {
      links[number] = fs.readlinkSync(`/proc/self/fd/${number}`).replace(/\d+/g, "N");
    } catch (error) {
      if (error.code !== "ENOENT") throw error; // the listing's own
    }
  }
  return links;
}

function status() {
  const wanted = /^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|TracerPid|Sig|ShdPnd|CoreDumping|NSpid)/;
  const pairs = lines("/proc/self/status").map((line) => line.split(":\t")).filter(([name]) => wanted.test(name));
  return Object.fromEntries(pairs.map(([name, value]) => [name, (value ?? "").split(/\s+/).filter(Boolean)]));
}

function mapped(line) {
  return line.split(/\s+/).slice(5).join(" ");
}

function contains(piece, head, tail) {
  for (let at = piece.indexOf(head); at >= 0; at = piece.indexOf(head, at + 1)) {
    const rest = piece.subarray(at + head.length, at + head.length + tail.length);
    if (rest.equals(tail)) return true;
  }
  return false;
}

function files(folder) {
  const all = [];
  for (const entry of fs.existsSync(folder) ? fs.readdirSync(folder, { withFileTypes: true }) : []) {
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) all.push(...files(place));
    else if (entry.isFile()) all.push(place);
  }
  return all;
}

const actions = {
  look: () => ({
    maps: [...new Set(lines("/proc/self/maps").map(mapped).filter(Boolean))].sort(),
    descriptors: descriptors(),
    environment: { ...process.env },
    environ: text("/proc/self/environ").split("\0").filter(Boolean).map((entry) => entry.split("=")[0]).sort(),
    command: text("/proc/self/cmdline").split("\0"),
    processes: numbers("/proc").map(Number).sort(),
    status: status(),
    mounts: lines("/proc/self/mountinfo").map((line) => [line.split(" ").slice(3, 6), line.split(" - ")[1].split(" ")[0]]).sort(),
    cgroup: text("/proc/self/cgroup"),
    tmp: fs.readdirSync("/tmp"),
    shm: there("/dev/shm"),
    hostname: os.hostname(),
    directory: process.cwd(),
    task: fs.readdirSync("/var/task").sort(),
    session: [process.pid, process.ppid],
  }),

  plant(secret) {
    // Once in an external buffer, once in the heap.
    kept.push(Buffer.from(secret.repeat(64)), { secret: secret + secret });
    process.env.PLANTED = secret;
    fs.writeFileSync("/tmp/planted", secret);
    return 1;
  },

  // Where the secret is that begins with `head` and ends with `tail`. It comes in two parts, so that it is not found in the event.
  search(head, tail) {
    [head, tail] = [Buffer.from(head), Buffer.from(tail)];
    const found = new Set();
    const memory = fs.openSync("/proc/self/mem", "r");
    const buffer = Buffer.alloc((1 << 20) + 256);
    let seen = 0;
    for (const line of lines("/proc/self/maps")) {
      const [place, rights] = line.split(" ");
      const name = mapped(line) || "anonymous";
      if (!rights.includes("r") || ["[vvar]", "[vvar_vclock]", "[vsyscall]"].includes(name)) continue;
      let [begin, end] = place.split("-").map((address) => BigInt("0x" + address));
      for (; begin < end; begin += 1n << 20n) {
        const length = Number(end - begin < BigInt(buffer.length) ? end - begin : BigInt(buffer.length));
        let count;
        try {
          count = fs.readSync(memory, buffer, 0, length, begin);
        } catch {
          break;
        }
        seen += count;
        if (contains(buffer.subarray(0, count), head, tail)) found.add(`memory: ${name}`);
        buffer.fill(0);
      }
    }
    for (const process of numbers("/proc")) {
      for (const kind of ["environ", "cmdline"]) {
        try {
          if (contains(fs.readFileSync(`/proc/${process}/${kind}`), head, tail)) found.add(kind);
        } catch (error) {
          if (!["EACCES", "ENOENT", "EPERM"].includes(error.code)) throw error;
        }
      }
    }
    for (const file of ["/tmp", "/var", "/opt", "/dev/shm"].flatMap(files)) {
      if (contains(fs.readFileSync(file), head, tail)) found.add(file);
    }
    return { found: [...found].sort(), bytes: seen };
  },

  // What must never come twice.
  chance: () => ({
    random: Math.random(),
    bytes: crypto.randomBytes(16).toString("hex"),
    uuid: crypto.randomUUID(),
    integer: crypto.randomInt(2 ** 47),
    values: Buffer.from(crypto.webcrypto.getRandomValues(new Uint8Array(16))).toString("hex"),
    temporary: path.basename(fs.mkdtempSync("/tmp/")),
  }),

  clocks: () => ({ time: Date.now() / 1000, monotonic: Number(process.hrtime.bigint()) / 1e9 }),

  leave: () => process.exit(1),
};
