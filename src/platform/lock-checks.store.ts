// The locks on the tables: are the triggers, constraints and rights still what the migrations made them? Made from the TableLocks that
// the rooms declare, so that a lock is named beside the table it guards.

import type { Client } from "pg";
import { type Check, check, type Verifiable } from "./checks.ts";

export const APP_ROLE = "finlego_app";

const LOCKS = `jsonb_to_recordset($1::jsonb)
  as lock("table" text, "addOnly" boolean, triggers text[], constraints text[], "appInserts" jsonb, "appUpdates" text[], "appDeletes" boolean)`;

/** Checks over all tables of all rooms. `migrations`: the text of all of them, from which every function must come. */
export function lockChecks(rooms: readonly Verifiable[], migrations: string): Check[] {
  const locks = JSON.stringify(rooms.flatMap((room) => room.locks));
  const doors = rooms.flatMap((room) => room.doors);
  const schemas = [...new Set(rooms.flatMap((room) => room.locks.map(({ table }) => table.split(".")[0])))];
  return [
    check("INV-10", "rows of the books were only ever added", changedRows, [locks]),
    check("DB-4", "every trigger that guards a table is there and switched on, and no other", triggers, [locks, schemas]),
    check("DB-4", "every constraint that guards a table is there and holds for all rows", constraints, [locks, schemas]),
    check("DB-4", "no rewrite rule turns a statement into another one", rules, [schemas]),
    check("DB-4", "every function is as a migration wrote it", bodies, [schemas, bodiesIn(migrations)]),
    check("DB-1", "the app role may change no more than it was granted", grants, [locks, schemas, APP_ROLE]),
    check("DB-1", "functions with the owner's rights are few and have a fixed search path", functions, [schemas, APP_ROLE, doors]),
    check("DB-2", "the app role is no superuser, owns nothing and can become nobody else", role, [schemas, APP_ROLE]),
  ];
}

/** What stands between dollar quotes: every function's text, to the letter. */
function bodiesIn(migrations: string): string[] {
  return [...migrations.matchAll(/\$(\w*)\$([\s\S]*?)\$\1\$/g)].map(([, , body = ""]) => body);
}

// Counts since the statistics were last reset or lost in a crash. A rolled back change is counted too: nobody should try either.
const changedRows = `
  select jsonb_build_object('table', lock."table") as place,
         case when s.relid is null then 'the table is missing' else 'rows were changed or removed' end as message,
         '0 updates, 0 deletes' as expected, s.n_tup_upd || ' updates, ' || s.n_tup_del || ' deletes' as actual
  from ${LOCKS}
  left join pg_stat_user_tables s on s.relid = to_regclass(lock."table")
  where lock."addOnly" and (s.relid is null or s.n_tup_upd > 0 or s.n_tup_del > 0)`;

const triggers = `
  with expected as (
    select to_regclass(lock."table")::oid as relation, lock."table" as name, t.trigger
    from ${LOCKS} cross join lateral unnest(lock.triggers) t(trigger)
  ), actual as (
    select t.tgrelid as relation, t.tgrelid::regclass::text as name, t.tgname::text as trigger, t.tgisinternal as internal, t.tgenabled::text as enabled
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where c.relnamespace::regnamespace::text = any($2)
  )
  select jsonb_build_object('table', coalesce(e.name, a.name), 'trigger', coalesce(e.trigger, a.trigger)) as place,
         case when a.trigger is null then 'the trigger is missing'
              when a.enabled not in ('O', 'A') then 'the trigger is switched off'
              else 'nobody declared this trigger' end as message,
         case when e.trigger is null and not a.internal then null else 'O' end as expected, a.enabled as actual
  from expected e full join actual a on a.relation = e.relation and a.trigger = e.trigger
  where a.trigger is null or a.enabled not in ('O', 'A') or (e.trigger is null and not a.internal)`;

const constraints = `
  select jsonb_build_object('table', lock."table", 'constraint', n.name) as place, 'the constraint is missing' as message,
         'valid' as expected, null as actual
  from ${LOCKS} cross join lateral unnest(lock.constraints) n(name)
  where not exists (select from pg_constraint c where c.conrelid = to_regclass(lock."table") and c.conname = n.name)
  union all
  select jsonb_build_object('table', c.conrelid::regclass::text, 'constraint', c.conname), 'older rows may break the constraint', 'valid', 'not valid'
  from pg_constraint c
  where c.connamespace::regnamespace::text = any($2) and not c.convalidated
  union all
  select jsonb_build_object('table', i.indrelid::regclass::text, 'index', i.indexrelid::regclass::text), 'the index is not whole: it cannot keep values unique', 'valid', 'not valid'
  from pg_index i join pg_class c on c.oid = i.indrelid
  where c.relnamespace::regnamespace::text = any($2) and not (i.indisvalid and i.indisready and i.indislive)`;

const rules = `
  select jsonb_build_object('table', r.ev_class::regclass::text, 'rule', r.rulename) as place, 'nobody declared this rule' as message,
         null as expected, r.ev_type::text as actual
  from pg_rewrite r join pg_class c on c.oid = r.ev_class
  where c.relnamespace::regnamespace::text = any($1) and r.rulename <> '_RETURN'`;

// A lock whose function was replaced by an empty one still looks like a lock. PostgreSQL keeps a function's text as it was written.
const bodies = `
  select jsonb_build_object('function', p.oid::regprocedure::text) as place, 'no migration holds this text' as message,
         null as expected, left(p.prosrc, 200) as actual
  from pg_proc p
  where p.pronamespace::regnamespace::text = any($1) and p.prosrc <> all($2::text[])`;

// Rights that come through PUBLIC or through another role count as well. Whole-table rights show in every column.
const grants = `
  with named as (
    select to_regclass(lock."table")::oid as relation, lock."appInserts" as inserts, lock."appUpdates" as updates, lock."appDeletes" as deletes from ${LOCKS}
  ), held as (
    select c.oid::regclass::text as name, p.privilege, null as column
    from pg_class c cross join (values ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) p(privilege)
    where c.relnamespace::regnamespace::text = any($2) and c.relkind in ('r', 'p', 'v', 'm', 'f') and has_table_privilege(to_regrole($3), c.oid, p.privilege)
      and not (p.privilege = 'DELETE' and exists (select from named n where n.relation = c.oid and n.deletes))
    union all
    select c.oid::regclass::text, p.privilege, a.attname
    from named n join pg_class c on c.oid = n.relation join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    cross join (values ('INSERT'), ('UPDATE')) p(privilege)
    where has_column_privilege(to_regrole($3), c.oid, a.attnum, p.privilege)
      and not case p.privilege when 'UPDATE' then a.attname = any(n.updates) else n.inserts = '"all"' or n.inserts ? a.attname end
    union all
    select s.nspname, 'CREATE', null from pg_namespace s
    where s.nspname !~ '^pg_(toast|temp)' and has_schema_privilege(to_regrole($3), s.oid, 'CREATE')
    union all
    select d.datname, 'CREATE', null from pg_database d where d.datname = current_database() and has_database_privilege(to_regrole($3), d.oid, 'CREATE')
    union all
    select 'session_replication_role', 'SET', null where has_parameter_privilege(to_regrole($3), 'session_replication_role', 'SET')
  )
  select jsonb_strip_nulls(jsonb_build_object('on', h.name, 'column', h.column)) as place, $3 || ' holds ' || h.privilege as message,
         null as expected, h.privilege as actual
  from held h`;

const functions = `
  select jsonb_build_object('function', p.oid::regprocedure::text) as place,
         case when p.proconfig is null or not p.proconfig::text ~ 'search_path=' then 'the function has no search path of its own'
              else $2 || ' may call it' end as message,
         null as expected, null as actual
  from pg_proc p
  where p.pronamespace::regnamespace::text = any($1) and p.prosecdef
    and (p.proconfig is null or not p.proconfig::text ~ 'search_path='
         or (has_function_privilege(to_regrole($2), p.oid, 'EXECUTE') and p.pronamespace::regnamespace || '.' || p.proname <> all ($3)))`;

const role = `
  select jsonb_build_object('role', $2::text) as place, 'the role is missing' as message, null as expected, null as actual
  where to_regrole($2) is null
  union all
  select jsonb_build_object('role', r.rolname), 'the role has the attribute ' || x.attribute, null, x.attribute
  from pg_roles r
  cross join lateral (values ('superuser', r.rolsuper), ('createrole', r.rolcreaterole), ('createdb', r.rolcreatedb), ('replication', r.rolreplication),
    ('bypassrls', r.rolbypassrls)) x(attribute, has)
  where r.rolname = $2 and x.has
  union all
  select jsonb_build_object('role', m.roleid::regrole::text), $2 || ' is a member of this role', null, 'member'
  from pg_auth_members m
  where m.member = to_regrole($2)
  union all
  select jsonb_build_object('relation', c.oid::regclass::text), $2 || ' owns this', null, c.relkind::text
  from pg_class c
  where c.relowner = to_regrole($2) and c.relpersistence <> 't' and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  union all
  select jsonb_build_object('function', p.oid::regprocedure::text), $2 || ' owns this', null, 'function' from pg_proc p where p.proowner = to_regrole($2)
  union all
  select jsonb_build_object('schema', n.nspname), $2 || ' owns this', null, 'schema' from pg_namespace n where n.nspowner = to_regrole($2) and n.nspname !~ '^pg_(toast_)?temp'
  union all
  select jsonb_build_object('database', d.datname), $2 || ' owns this', null, 'database' from pg_database d where d.datdba = to_regrole($2)
  union all
  select jsonb_build_object('schema', s.name), 'the schema is missing', null, null from unnest($1::text[]) s(name) where to_regnamespace(s.name) is null`;

/** Foreign keys are kept by triggers, which a superuser can pass by: looks each of them up again. */
export async function foreignKeyCheck(client: Client, rooms: readonly Verifiable[]): Promise<Check> {
  const schemas = [...new Set(rooms.flatMap((room) => room.locks.map(({ table }) => table.split(".")[0])))];
  const { rows } = await client.query<{ sql: string | null }>(
    `select string_agg(format(
        'select jsonb_build_object(''table'', %L, ''constraint'', %L, %s) as place, ''the row points to nothing'' as message, %L as expected, null as actual
         from %s c where (%s) and not exists (select from %s p where %s)',
        k.conrelid::regclass, k.conname,
        (select string_agg(format('%L, c.%I::text', a.attname, a.attname), ', ' order by n.i) from unnest(k.conkey) with ordinality n(attnum, i)
           join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.attnum),
        k.confrelid::regclass, k.conrelid::regclass,
        (select string_agg(format('c.%I is not null', a.attname), ' and ') from unnest(k.conkey) n(attnum)
           join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.attnum),
        k.confrelid::regclass,
        (select string_agg(format('p.%I = c.%I', b.attname, a.attname), ' and ') from unnest(k.conkey, k.confkey) n(own, other)
           join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.own
           join pg_attribute b on b.attrelid = k.confrelid and b.attnum = n.other)
      ), ' union all ') as sql
     from pg_constraint k
     where k.contype = 'f' and k.connamespace::regnamespace::text = any($1)`,
    [schemas],
  );
  const nothing = "select null::jsonb as place, null as message, null as expected, null as actual where false";
  return check("INV-23", "every foreign key points to a row", rows[0]?.sql ?? nothing);
}
