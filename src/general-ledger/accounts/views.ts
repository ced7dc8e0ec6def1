// From accounts to the wire: minor units become decimal text, signs the normal side, instants ISO 8601 UTC. Pure.

import { normalSide } from "../payments/payment.ts";
import { money } from "../views.ts";
import type { Account } from "./account.ts";
import type { AccountDto, ClientAccountDto } from "./contract.ts";

export function toAccountDto(account: Account): AccountDto {
  return { ...toClientAccountDto(account), category: account.category };
}

export function toClientAccountDto(account: Account): ClientAccountDto {
  const { currency } = account;
  const balance = normalSide(account.balanceMinor, account.category);
  return {
    id: account.id,
    accountNumber: account.number,
    iban: account.iban,
    bic: account.bic,
    name: account.name,
    currency,
    clientId: account.clientId,
    type: account.type,
    status: account.status,
    isDefault: account.isDefault,
    sortOrder: account.sortOrder,
    balance: money(balance, currency),
    heldAmount: money(account.heldMinor, currency),
    availableBalance: money(balance - account.heldMinor, currency),
    pendingIncomingAmount: money(account.incomingMinor, currency),
    provider: account.provider,
    createdAt: account.createdAt.toISOString(),
    closedAt: account.closedAt?.toISOString() ?? null,
    externalId: account.externalId,
    creditLimit: money(account.floorMinor === null ? 0n : -account.floorMinor, currency),
    debitBlocked: account.debitBlocked,
    creditBlocked: account.creditBlocked,
    version: Number(account.version),
  };
}
