/**
 * Reading JSON that came over the wire: each function returns a value of the
 * type in its name or throws an {@link UnexpectedAnswerError} that names the field.
 */

/** A JSON object of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** An answer is not of the shape that was agreed on. */
export class UnexpectedAnswerError extends Error {
  /**
   * @param field - where the answer is not as agreed.
   * @param wanted - what should be there; for developers, not translated.
   */
  constructor(
    readonly field: string,
    wanted: string
  ) {
    super(`'${field}' is not ${wanted}`);
    this.name = 'UnexpectedAnswerError';
  }
}

/** `value` as an object. */
export function readFields(value: unknown, field: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnexpectedAnswerError(field, 'an object');
  }
  return value as Fields;
}

/** The text in `field`. */
export function readText(fields: Fields, field: string): string {
  const value = fields[field];
  if (typeof value !== 'string') {
    throw new UnexpectedAnswerError(field, 'a text');
  }
  return value;
}

/** The text in `field`, or null where there is none. */
export function readOptionalText(fields: Fields, field: string): string | null {
  return (fields[field] ?? null) === null ? null : readText(fields, field);
}

/** The finite number in `field`. */
export function readNumber(fields: Fields, field: string): number {
  const value = fields[field];
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new UnexpectedAnswerError(field, 'a number');
  }
  return value;
}

/** The finite number in `field`, or null where there is none. */
export function readOptionalNumber(
  fields: Fields,
  field: string
): number | null {
  return (fields[field] ?? null) === null ? null : readNumber(fields, field);
}

/** The list in `field`, each item read by `readItem`. */
export function readList<T>(
  fields: Fields,
  field: string,
  readItem: (item: Fields) => T
): readonly T[] {
  const value = fields[field];
  if (!Array.isArray(value)) {
    throw new UnexpectedAnswerError(field, 'a list');
  }
  return value.map((item: unknown, index) =>
    readItem(readFields(item, `${field}[${index}]`))
  );
}

/** The list in `field`, or null where there is none. */
export function readOptionalList<T>(
  fields: Fields,
  field: string,
  readItem: (item: Fields) => T
): readonly T[] | null {
  return (fields[field] ?? null) === null
    ? null
    : readList(fields, field, readItem);
}
