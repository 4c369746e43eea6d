/**
 * Seeded randomness for the generators.
 *
 * Every stream of numbers is named: `split` derives a child from the parent's key and a name (or numbers), never from
 * how many numbers the parent has drawn. So adding a generator, an account or a day leaves every other stream
 * unchanged, and the same seed gives the same bytes on every machine: the arithmetic is on 32-bit integers, and the few
 * transcendental functions are the JavaScript engine's own, not the machine's.
 *
 * The generator is sfc32 (Chris Doty-Humphrey's "small fast counter", PractRand); not for cryptography.
 */

/** Murmur3's 32-bit finaliser: a bijection in which every input bit reaches every output bit. */
export function mix32(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export class Random {
  readonly #key0: number;
  readonly #key1: number;
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  private constructor(key0: number, key1: number) {
    this.#key0 = key0 | 0;
    this.#key1 = key1 | 0;
    this.#a = this.#key0;
    this.#b = this.#key1;
    this.#c = mix32(key0 ^ Math.imul(key1, 0x9e3779b1)) | 0;
    for (let i = 0; i < 12; i++) this.u32();
  }

  /** The root stream of a seed. */
  static seeded(seed: string): Random {
    return new Random(0x56494749, 0x45000001).split(seed);
  }

  /** The child stream of a name, independent of what was drawn from this stream. */
  split(name: string): Random {
    let h0 = this.#key0;
    let h1 = this.#key1;
    for (let i = 0; i < name.length; i++) {
      const unit = name.charCodeAt(i);
      h0 = Math.imul(h0 ^ unit, 0x9e3779b1);
      h0 ^= h0 >>> 15;
      h1 = Math.imul(h1 ^ unit, 0x85ebca77) + h0;
      h1 ^= h1 >>> 13;
    }
    return new Random(mix32(h0 ^ name.length), mix32(h1 ^ mix32(h0)));
  }

  /** The child stream of one or two integers; cheaper than a name. */
  at(i: number, j = 0): Random {
    const k0 = mix32(this.#key0 ^ mix32(i + 0x7f4a7c15));
    const k1 = mix32(this.#key1 ^ mix32(j + 0x1ce4e5b9) ^ k0);
    return new Random(k0, k1);
  }

  /** 0 ≤ integer < 2^32. */
  u32(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    this.#c |= 0;
    return t >>> 0;
  }

  /** 0 ≤ number < 1, 32 bits. */
  float(): number {
    return this.u32() / 4294967296;
  }

  /** 0 ≤ integer < n, n ≤ 2^32. Bias at most n / 2^32. */
  below(n: number): number {
    return Math.floor(this.float() * n);
  }

  /** low ≤ integer ≤ high. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Standard normal (Box and Muller 1958). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.float())) * Math.cos(2 * Math.PI * this.float());
  }

  /** Gamma of the given shape ≥ 1 and mean (Marsaglia and Tsang 2000). */
  gamma(shape: number, mean: number): number {
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const root = 1 + c * x;
      const v = root * root * root;
      if (v > 0 && Math.log(1 - this.float()) < 0.5 * x * x + d * (1 - v + Math.log(v))) {
        return (d * v * mean) / shape;
      }
    }
  }

  /** Poisson, mean ≤ 500 (Knuth's product of uniforms; time proportional to the mean). */
  poisson(mean: number): number {
    const limit = Math.exp(-Math.min(mean, 500));
    let product = this.float();
    let n = 0;
    while (product > limit) {
      product *= this.float();
      n++;
    }
    return n;
  }

  /** Negative binomial as a Poisson whose mean is gamma: variance = mean + mean² / dispersion, dispersion ≥ 1. */
  negativeBinomial(mean: number, dispersion: number): number {
    return this.poisson(this.gamma(dispersion, mean));
  }
}

/**
 * A seeded permutation of 0 … size − 1 without a table: four Feistel rounds over the next even number of bits, repeated
 * until the image is in range (at most four times on average).
 */
export class Permutation {
  readonly size: number;
  readonly #halfBits: number;
  readonly #mask: number;
  readonly #key0: number;
  readonly #key1: number;
  readonly #key2: number;
  readonly #key3: number;
  /** Positions of a page whose image is not yet in range. */
  #outside = new Int32Array(128);

  /** 1 ≤ size ≤ 2^30. */
  constructor(random: Random, size: number) {
    this.size = size;
    const bits = Math.max(2, 32 - Math.clz32(size - 1));
    this.#halfBits = (bits + 1) >> 1;
    this.#mask = (1 << this.#halfBits) - 1;
    this.#key0 = random.u32() | 0;
    this.#key1 = random.u32() | 0;
    this.#key2 = random.u32() | 0;
    this.#key3 = random.u32() | 0;
  }

  /** Image of 0 ≤ i < size. */
  of(i: number): number {
    const halfBits = this.#halfBits;
    const mask = this.#mask;
    let x = i;
    do {
      let left = x >>> halfBits;
      let right = x & mask;
      left ^= mix32(right ^ this.#key0) & mask;
      right ^= mix32(left ^ this.#key1) & mask;
      left ^= mix32(right ^ this.#key2) & mask;
      right ^= mix32(left ^ this.#key3) & mask;
      x = (left << halfBits) | right;
    } while (x >= this.size);
    return x;
  }

  /**
   * Writes the images of first … first + count − 1 to `into`; 40 % cheaper than `of` for each. All take one step, those
   * out of range another, and so on: no branch depends on an image, so the processor works on several at once.
   */
  fill(into: Int32Array, first: number, count: number): void {
    const halfBits = this.#halfBits;
    const mask = this.#mask;
    const key0 = this.#key0;
    const key1 = this.#key1;
    const key2 = this.#key2;
    const key3 = this.#key3;
    const last = this.size - 1;
    if (this.#outside.length < count) this.#outside = new Int32Array(count);
    const outside = this.#outside;
    for (let i = 0; i < count; i++) {
      into[i] = first + i;
      outside[i] = i;
    }
    let waiting = count;
    while (waiting > 0) {
      let still = 0;
      for (let k = 0; k < waiting; k++) {
        const i = outside[k]!;
        const x = into[i]!;
        let left = x >>> halfBits;
        let right = x & mask;
        left ^= mix32(right ^ key0) & mask;
        right ^= mix32(left ^ key1) & mask;
        left ^= mix32(right ^ key2) & mask;
        right ^= mix32(left ^ key3) & mask;
        const image = (left << halfBits) | right;
        into[i] = image;
        outside[still] = i;
        // Stays on the list if the image is above `last`, which makes the difference negative.
        still += (last - image) >>> 31;
      }
      waiting = still;
    }
  }
}
