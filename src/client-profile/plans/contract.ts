// The wire words of plans (contract 5.16). A limit and a fee have all members in answers, null where its kind has none.

import { pageOf } from "#platform/page.ts";
import { AmountText, CurrencyCode, DateTimeText, enumOf, Nullable, type Static, strictObject, Type } from "#platform/schema.ts";

export const PlanCode = Type.String({
  pattern: "^[a-z][a-z0-9-]{0,39}$",
  description: "What a plan is called in calls: a lower-case letter, then lower-case letters, digits and hyphens.",
  examples: ["standard"],
});

const AMOUNT_KINDS = ["singleTransfer", "dailyOutgoing", "monthlyOutgoing"] as const;
export type AmountKind = (typeof AMOUNT_KINDS)[number];

const Rail = enumOf(["internal", "sepa", "sepaInstant", "swift", "fasterPayments", "chaps", "ach", "fedwire"], { title: "TransferType" });
export type Rail = Static<typeof Rail>;

const LimitKind = enumOf(["accounts", ...AMOUNT_KINDS], { title: "PlanLimitKind" });
const FeeKind = enumOf(["outgoingTransfer", "accountMonthly", "foreignExchange"], { title: "PlanFeeKind" });
const COUNT = "Of accounts: how many may be open at once.";
const AMOUNT = "Of the other kinds: how much, of one transfer, a day or a month. A currency that is not named is not limited.";
const FEE_AMOUNT = "Of outgoingTransfer: for each transfer by that rail. Of accountMonthly: for each open account and month.";
const PERCENT = "Of foreignExchange: percentage of what is exchanged, 0 to 100 with at most 4 decimals.";
const MINIMUM = "Of foreignExchange: at least so much.";
const Count = Type.Integer({ minimum: 0, maximum: 1_000_000, description: COUNT });
const Percent = Type.String({ format: "amount", maxLength: 64, description: PERCENT, examples: ["0.50"] });
const NAME = Type.String({ minLength: 1, maxLength: 100 });

/** A member that a request may leave out and that null does not change. */
const optional = <T extends Type.TSchema>(schema: T) => Type.Optional(Nullable(schema));

const LimitOrder = strictObject(
  { kind: LimitKind, count: optional(Count), amount: optional(AmountText), currency: optional(CurrencyCode) },
  { title: "PlanLimit" },
);
const FeeOrder = strictObject(
  {
    kind: FeeKind,
    transferType: optional(Rail),
    amount: optional(AmountText),
    percent: optional(Percent),
    minimum: optional(AmountText),
    currency: CurrencyCode,
  },
  { title: "PlanFee" },
);
export type LimitWords = Static<typeof LimitOrder>;
export type FeeWords = Static<typeof FeeOrder>;

const TERMS_MAX = 200;

/** Everything that a plan says; what is not named here the plan does not limit and does not charge. */
export const PutPlan = strictObject(
  {
    name: NAME,
    currency: CurrencyCode,
    monthlyFee: AmountText,
    limits: Type.Array(LimitOrder, { maxItems: TERMS_MAX }),
    fees: Type.Array(FeeOrder, { maxItems: TERMS_MAX }),
  },
  { title: "PutPlan" },
);
export type TermsWords = Static<typeof PutPlan>;

const PlanLimit = strictObject(
  { kind: LimitKind, count: Nullable(Count), amount: Nullable(AmountText, { description: AMOUNT }), currency: Nullable(CurrencyCode) },
  { title: "PlanLimitDto" },
);
const PlanFee = strictObject(
  {
    kind: FeeKind,
    transferType: Nullable(Rail),
    amount: Nullable(AmountText, { description: FEE_AMOUNT }),
    percent: Nullable(Percent),
    minimum: Nullable(AmountText, { description: MINIMUM }),
    currency: CurrencyCode,
  },
  { title: "PlanFeeDto" },
);
export type LimitDto = Static<typeof PlanLimit>;
export type FeeDto = Static<typeof PlanFee>;

const plan = {
  code: PlanCode,
  name: NAME,
  currency: CurrencyCode,
  monthlyFee: AmountText,
  limits: Type.Array(PlanLimit),
  fees: Type.Array(PlanFee),
};

/** The plan of a client, as the client sees it. */
export const OwnPlan = strictObject(plan, { title: "OwnPlanDto" });

/** A plan as the bank keeps it: `version` rises with every change. */
export const Plan = strictObject(
  { ...plan, version: Type.Integer({ minimum: 1 }), createdAt: DateTimeText, updatedAt: DateTimeText },
  { title: "PlanDto" },
);
export type Plan = Static<typeof Plan>;

export const PlanPage = pageOf(Plan);

export const ChooseClientPlan = strictObject({ code: PlanCode }, { title: "ChooseClientPlan" });
