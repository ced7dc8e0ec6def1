// Pure: walks along the skeleton of a file (chunks of a PNG, segments of a JPEG, boxes of a HEIC) as its bytes come by, and holds no more of
// it than one header. A file whose skeleton does not end where its bytes end has something else behind it.

/** Where the walk goes on: after `skip` bytes a header of `need` bytes, at whose beginning the last `keep` bytes of this one stand again. */
export type Step =
  | { readonly skip: number; readonly need: number; readonly keep?: number }
  /** The file ends after so many bytes. */
  | { readonly endsAfter: number }
  /** What follows has no skeleton. */
  | "free"
  /** Not such a file. */
  | "foreign";

export class StructureWalk {
  readonly #read: (header: Uint8Array) => Step;
  #header: Uint8Array;
  #filled = 0;
  #skip = 0;
  #state: "walking" | "ending" | "free" | "foreign" = "walking";

  /** `read` judges each header; the first one has `need` bytes. */
  constructor(need: number, read: (header: Uint8Array) => Step) {
    this.#header = new Uint8Array(need);
    this.#read = read;
  }

  /** `between`: two parts of the skeleton; `ended`: exactly at the file's end. */
  get place(): "inside" | "between" | "ended" | "free" | "foreign" {
    if (this.#state === "free" || this.#state === "foreign") return this.#state;
    if (this.#skip > 0) return "inside";
    if (this.#state === "ending") return "ended";
    return this.#filled === 0 ? "between" : "inside";
  }

  take(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && (this.#state === "walking" || this.#state === "ending")) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else if (this.#state === "ending") {
        this.#state = "foreign";
      } else {
        const taken = bytes.subarray(at, at + this.#header.length - this.#filled);
        this.#header.set(taken, this.#filled);
        this.#filled += taken.length;
        at += taken.length;
        if (this.#filled === this.#header.length) this.#go(this.#read(this.#header));
      }
    }
  }

  #go(step: Step): void {
    if (step === "free" || step === "foreign") {
      this.#state = step;
    } else if ("endsAfter" in step) {
      this.#state = "ending";
      this.#skip = step.endsAfter;
    } else {
      const kept = this.#header.slice(this.#header.length - (step.keep ?? 0));
      this.#header = new Uint8Array(step.need);
      this.#header.set(kept);
      this.#filled = kept.length;
      this.#skip = step.skip;
    }
  }
}

/** The unsigned number that these four bytes write, most significant first. */
export function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);
}

/** Bytes as text, one character each. */
export function latin1(bytes: Uint8Array, from = 0, to = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", from, to);
}
