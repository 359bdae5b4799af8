/** Values as JSON has them, so that what Python has written down can be compared. */

/** What the recorder writes of bytes. */
interface Hex {
  readonly hex: string;
}

/** Bytes become their hexadecimal, maps objects; what is undefined is left out. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString("hex") };
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([key, each]) => [key, plain(each)]),
  );
}

/** The other way round, but for maps. */
export function revived(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value !== "object" || value === null) return value;
  const { hex } = value as Hex;
  if (typeof hex === "string") return new Uint8Array(Buffer.from(hex, "hex"));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revived(each)]));
}
