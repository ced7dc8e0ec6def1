// What must hold of documents: for `verify`. Whether their bytes are in the store the sweep finds out; here stands what it found.

import { check, type Verifiable } from "#platform/checks.ts";
import { auditCheck } from "#platform/platform-checks.store.ts";

export const documentVerifiable: Pick<Verifiable, "checks" | "locks"> = {
  checks: [
    check(
      "FI-11",
      "every document has its bytes in the store, as the last sweep saw it",
      `select jsonb_build_object('documentId', d.id, 'clientId', d.client_id) as place, 'the store does not have the bytes' as message,
              d.size_bytes || ' bytes' as expected, 'missed at ' || d.missing_at as actual
       from client_profile.document d
       where d.missing_at is not null and d.erased_at is null`,
    ),
    check(
      "FI-7",
      "an erased client has no document that could be opened",
      `select jsonb_build_object('documentId', d.id, 'clientId', d.client_id) as place, 'the document is not erased' as message,
              'erased with its client' as expected, 'kept' as actual
       from client_profile.document d
       join client_profile.client c on c.id = d.client_id
       where d.erased_at is null and c.erased_at is not null`,
    ),
    auditCheck(
      "the audit tells of every document",
      "client.documentUploaded",
      "select 'document:' || d.id as subject from client_profile.document d",
    ),
  ],
  locks: [
    {
      table: "client_profile.document",
      addOnly: false,
      triggers: ["document_is_kept", "document_changes_one_way", "document_person_is_of_its_client"],
      constraints: [
        "document_type_is_known",
        "document_content_type_is_known",
        "document_size_is_at_most_10_mib",
        "document_scan_status_is_known",
        "document_scan_has_its_time",
        "document_finding_is_of_infected_ones",
        "document_deletion_has_its_author",
        "document_is_sealed_until_erased",
        "document_content_is_removed_after_erasure",
      ],
      appInserts: "all",
      appUpdates: [
        "sealed_details",
        "scan_status",
        "scanned_at",
        "scan_finding",
        "deleted_at",
        "deleted_by",
        "missing_at",
        "erased_at",
        "content_removed_at",
      ],
    },
  ],
};
