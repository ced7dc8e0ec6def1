// The building blocks of request and reply schemas. A module's contract.ts puts them together; the validator of ajv.ts knows their
// formats. What a caller reads about a field in the API reference is written here.

import {
  type Static,
  type TObject,
  type TObjectOptions,
  type TProperties,
  type TSchema,
  type TSchemaOptions,
  type TUnsafe,
  Type,
} from "typebox";

export { type Static, type TSchema, Type };

/**
 * An amount greater than or equal to zero. A request may also write it as a JSON number: it arrives here as that number's text
 * (json.ts). The form only: digits and limits depend on the currency, see `parseAmount`.
 */
export const AmountText = Type.String({
  format: "amount",
  maxLength: 64,
  description:
    'Decimal amount with exactly the digits of its currency (ISO 4217) in answers: EUR "10.50", JPY "10", KWD "1.005". In requests a string or a JSON number, taken exactly or refused, never rounded.',
  examples: ["10.50"],
});

/** A balance or a bound on one: as `AmountText`, of either sign. */
export const SignedAmountText = Type.String({
  format: "signed-amount",
  maxLength: 64,
  description: "Decimal amount with exactly the digits of its currency (ISO 4217), negative with a leading minus sign.",
  examples: ["-10.50"],
});

export const CurrencyCode = Type.String({
  pattern: "^[A-Z]{3}$",
  description: "ISO 4217 alphabetic code.",
  examples: ["EUR"],
});

/** Any letter case on input; the validator turns it into lower case, so that equal ids are equal texts ever after. */
export const Uuid = Type.String({
  format: "uuid",
  "x-lowercase": true,
  examples: ["0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00"],
});

/** A real calendar date; `isLocalDate` gives it its type. */
export const DateText = Type.String({ format: "date", description: "Calendar date, YYYY-MM-DD.", examples: ["2026-11-23"] });

/** An instant in UTC. */
export const DateTimeText = Type.String({
  format: "date-time",
  description: "Instant in UTC, ISO 8601 with Z.",
  examples: ["2026-11-23T09:45:00Z"],
});

/** A bound of a filter: an instant, or a date for the whole day (contract section 3.5). */
export const DateOrDateTimeText = Type.String({
  format: "date-or-date-time",
  description: "Instant in UTC (ISO 8601 with Z), or a calendar date that stands for its whole day.",
  examples: ["2026-11-23", "2026-11-23T09:45:00Z"],
});

export const Email = Type.String({ format: "email", minLength: 5, maxLength: 64, examples: ["user@example.com"] });

/** The value or null; the member must be there all the same, unless `Type.Optional` is put around. */
export function Nullable<T extends TSchema>(schema: T, options: TSchemaOptions = {}) {
  return Type.Union([schema, Type.Null()], options);
}

/** An object that has the named members and no others. */
export function strictObject<T extends TProperties>(properties: T, options: TObjectOptions = {}): TObject<T> {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

/** The reply of an operation that answers without a body: its handler gives null. */
export const EmptyBody = Type.Null({ description: "Done; there is no body." });

/** One of some words. Its static type is their union. */
export function enumOf<const T extends string>(values: readonly T[], options: TSchemaOptions = {}): TUnsafe<T> {
  return Type.Unsafe<T>({ ...options, type: "string", enum: [...values] });
}

const MEDIA_TYPES = "x-media-types";

/** The reply of an operation that answers a file: what it may be, by media type. */
export function fileReply(mediaTypes: Readonly<Record<string, TSchema>>): TUnsafe<never> {
  return Type.Unsafe<never>({ [MEDIA_TYPES]: mediaTypes });
}

/** The media types of such a reply; null for any other. */
export function mediaTypesOf(reply: TSchema): Readonly<Record<string, TSchema>> | null {
  return (reply as { [MEDIA_TYPES]?: Readonly<Record<string, TSchema>> })[MEDIA_TYPES] ?? null;
}
