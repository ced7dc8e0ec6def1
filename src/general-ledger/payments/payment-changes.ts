// The shell of a drafted payment's life: pend, post, cancel. What a change may do is judged by post_batch under the locks of the
// payment's accounts; here the request is read against the payment's terms.

import type { Answer, Call } from "#platform/http/endpoint.ts";
import { refusePlatform } from "#platform/problem.ts";
import type { ChangeCommand, PaymentTerms } from "../posting/command.ts";
import { readCaptures } from "./capture.ts";
import type { PaymentDto, PostPayment, ReasonOnly } from "./contract.ts";
import { noSuchPayment } from "./outcome.ts";
import { answer, askerOf, keyOf, type PaymentShell } from "./payments.ts";

type ChangeCall<Body> = Call<{ paymentId: string }, unknown, Body | undefined>;

/** Operations 43 and 45. */
export async function pendOrCancel(
  deps: PaymentShell,
  operation: "pend" | "cancel",
  call: ChangeCall<ReasonOnly>,
): Promise<Answer<PaymentDto>> {
  return await change(deps, call, operation, () => ({ captures: null, valueDate: null }));
}

/** Operation 44. */
export async function postPayment(deps: PaymentShell, call: ChangeCall<PostPayment>): Promise<Answer<PaymentDto>> {
  return await change(deps, call, "post", (terms) => {
    const read = readCaptures(call.body ?? {}, terms);
    if ("errors" in read) return refusePlatform("validationFailed", { errors: read.errors });
    return { captures: read.captures, valueDate: call.body?.valueDate ?? null };
  });
}

async function change(
  deps: PaymentShell,
  call: ChangeCall<ReasonOnly>,
  operation: ChangeCommand["operation"],
  read: (terms: PaymentTerms) => Pick<ChangeCommand, "captures" | "valueDate">,
): Promise<Answer<PaymentDto>> {
  const { paymentId } = call.params;
  const payment = await deps.terms.find(paymentId);
  if (payment === null) throw noSuchPayment(paymentId);
  const command: ChangeCommand = {
    ...askerOf(call.caller),
    ...read(payment),
    operation,
    payment,
    key: keyOf(call),
    // An empty reason says nothing.
    reason: call.body?.reason || null,
  };
  return await answer(deps, call, command, await deps.writer.submit(command));
}
