// Pure: what may become of a deletion notification. Completed is not in the table: erasing the client does that, and nothing else.

import type { NotificationStatus } from "./contract.ts";

export const REVIEWS = {
  received: ["inReview", "declined"],
  inReview: ["declined"],
  completed: [],
  declined: [],
} as const satisfies Record<NotificationStatus, readonly NotificationStatus[]>;

/** `same`: it is so already. */
export function reviewed(status: NotificationStatus, wanted: "inReview" | "declined"): "moved" | "same" | "refused" {
  if (status === wanted) return "same";
  return REVIEWS[status].some((next) => next === wanted) ? "moved" : "refused";
}
