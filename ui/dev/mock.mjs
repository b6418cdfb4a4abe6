// A stand-in for the server, for looking at the UI: docs/API.md in memory, with invented people and gifts.
// node dev/mock.mjs [port]   prints the same two lines as `almoner demo`. No dependency, nothing is kept.
import { createServer } from 'node:http';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const BUILD = fileURLToPath(new URL('../build', import.meta.url));
const PORT = Number(process.argv[2] ?? process.env.PORT ?? 4173);
const TWENTY = 'http://127.0.0.1:9/twenty';
const ZONE = 'Europe/London';
const STATES = ['pending', 'ready_for_process', 'processing', 'process_failed', 'processed', 'discarded'];
const now = () => new Date().toISOString().replace('Z', '000Z');

// ---- chance, the same at every start -------------------------------------------------------------------------
let seed = 7;
const chance = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
const pick = (list) => list[Math.floor(chance() * list.length)];

const FIRST =
  'Ada Grace Maya Oliver Priya Tom Eleanor Kwame Isla Rhys Fatima George Niamh Harold Beatrice Sanjay Zofia Callum Ruth Winifred'.split(
    ' ',
  );
const LAST =
  'Lovelace Okafor Hartley Patel Fairweather Nowak Mensah Campbell Ahmed Griffiths Pemberton Sutcliffe O’Neill Whitaker Brightwell Fernandes Ashdown Kerr'.split(
    ' ',
  );
const CITIES = 'Bristol Leeds Falmouth Whitby Cardiff Aberdeen Norwich'.split(' ');
const donors = Array.from({ length: 2000 }, (_, i) => {
  const first = i === 0 ? 'Ada' : pick(FIRST);
  const last = i === 0 ? 'Lovelace' : pick(LAST);
  const id = randomUUID();
  return {
    id,
    name: `${first} ${last}`,
    email:
      chance() < 0.1 ? null : `${first}.${last.replace('’', '')}${i > 20 ? i : ''}@example.org`.toLowerCase(),
    city: chance() < 0.3 ? null : pick(CITIES),
    giftCount: Math.floor(chance() * 9),
    lastGiftDate: `2026-${String(1 + Math.floor(chance() * 10)).padStart(2, '0')}-${String(1 + Math.floor(chance() * 28)).padStart(2, '0')}`,
    url: `${TWENTY}/object/person/${id}`,
    state: 'live',
  };
});
for (const donor of donors) if (donor.giftCount === 0) donor.lastGiftDate = null;

const NO_CODING = {
  appeal: null,
  appealSource: null,
  fund: null,
  opportunity: null,
  giftPayout: null,
  recurringAgreement: null,
};

// ---- the ledger ----------------------------------------------------------------------------------------------
const rows = new Map();
const batches = new Map();
const runs = [];
const journal = [];
const keys = new Map();
const tokens = [
  {
    id: randomUUID(),
    name: 'Website donation form',
    scopes: ['gifts:write'],
    createdAt: '2026-10-02T08:12:00Z',
    lastUsedAt: now(),
  },
];
const streams = new Set();
let version = 1;
const me = { kind: 'user', name: 'Maya Okafor' };

function tell(objects, subjects) {
  const seq = journal.length;
  for (const res of streams)
    res.write(`id: ${seq}\nevent: change\ndata: ${JSON.stringify({ seq, objects, subjects })}\n\n`);
}
function write(who, object, subjectId, title, op, why, changes = [], runId = null, requestId = null) {
  journal.push({
    seq: journal.length + 1,
    at: now(),
    who,
    object,
    subjectId,
    title,
    op,
    why,
    requestId,
    runId,
    changes,
  });
  tell([object], [subjectId]);
}
const money = (m) =>
  new Intl.NumberFormat('en-GB', { style: 'currency', currency: m.currencyCode }).format(
    m.amountMicros / 1e6,
  );
const titleOf = (row) =>
  `${[row.donorFirstName, row.donorLastName].filter(Boolean).join(' ') || 'Unknown donor'} · ${money(row.amount)}`;

function view(row) {
  const blockers = [];
  const warnings = [];
  if (!row.donorId)
    blockers.push({
      code: 'donor_review_required',
      text: 'Nobody has said who gave this.',
      action: 'Choose the donor.',
    });
  if (!row.giftDate)
    blockers.push({
      code: 'gift_date_missing',
      text: 'The gift has no date.',
      action: 'Enter the gift date.',
    });
  if (!row.paymentMethod)
    warnings.push({
      code: 'payment_method_missing',
      text: 'Nobody has said how it was paid.',
      action: 'Choose the payment method.',
    });
  if (row.amount.amountMicros >= 1_000_000_000)
    warnings.push({ code: 'high_value', text: 'This is a large gift.', action: 'Check the amount.' });
  const status = row.processingStatus;
  const reason =
    status === 'processed' || status === 'discarded'
      ? null
      : status === 'process_failed'
        ? { code: 'refused', text: row.errorDetail, action: 'Correct it and mark it ready again.' }
        : status === 'processing'
          ? { code: 'sending', text: 'It is being sent to Twenty.', action: 'Nothing to do.' }
          : status === 'ready_for_process'
            ? { code: 'ready', text: 'Everything is there.', action: 'Process it.' }
            : (blockers[0] ??
              warnings[0] ?? {
                code: 'review',
                text: 'Nobody has looked at it yet.',
                action: 'Check it and mark it ready.',
              });
  const open = ['pending', 'ready_for_process', 'process_failed'].includes(status);
  const donor = donors.find((it) => it.id === row.donorId);
  const { raw: _raw, ...shown } = row;
  return {
    donorResolutionState: row.donorId ? 'CONFIRMED' : 'UNREVIEWED',
    isAnonymousDonor: false,
    organizationName: null,
    supporterEmailOptOut: null,
    companyId: null,
    company: null,
    coding: NO_CODING,
    expectedAt: null,
    donorCreated: false,
    madeDonor: null,
    ...shown,
    donor: donor ? { id: donor.id, name: donor.name, email: donor.email, url: donor.url } : null,
    validationStatus: 'pending',
    dedupeStatus: 'pending',
    processingDiagnostics: {
      processingEligibility: blockers.length ? 'blocked' : 'eligible',
      processingBlockers: blockers,
      processingWarnings: warnings,
      donorCandidates: [],
      identityConfidence: donor ? 'strong' : 'weak',
    },
    reason,
    allowed: {
      edit: open,
      markReady: (status === 'pending' || status === 'process_failed') && blockers.length === 0,
      backToReview: status === 'ready_for_process' || status === 'process_failed',
      process: status === 'ready_for_process',
      discard: open,
    },
  };
}

function newRow(body, source, at = now()) {
  const contact = body.contact ?? {};
  const row = {
    id: randomUUID(),
    version: version++,
    createdAt: at,
    updatedAt: at,
    amount: body.amount,
    giftDate: body.giftDate ?? null,
    donorFirstName: contact.firstName ?? body.donorFirstName ?? null,
    donorLastName: contact.lastName ?? body.donorLastName ?? null,
    donorEmail: contact.email ?? body.donorEmail ?? null,
    donorId: body.contactId ?? null,
    paymentMethod: body.paymentMethod ?? null,
    giftIntent: body.giftIntent ?? 'standard',
    notes: body.notes ?? null,
    intakeSource: body.intakeSource ?? source,
    sourceFingerprint: body.sourceFingerprint ?? null,
    externalId: body.externalId ?? null,
    provider: body.provider ?? null,
    providerPaymentId: body.providerPaymentId ?? null,
    providerEventId: body.providerEventId ?? null,
    giftBatchId: body.giftBatchId ?? null,
    processingStatus: 'pending',
    gift: null,
    errorDetail: null,
    evidenceCount: 1,
    raw: [{ receivedAt: at, channel: body.intakeSource ?? source, body: JSON.stringify(body, null, 2) }],
  };
  rows.set(row.id, row);
  return row;
}

function change(row, patch, why, who = me, runId = null) {
  const changes = [];
  for (const [field, after] of Object.entries(patch)) {
    const before = row[field] ?? null;
    if (JSON.stringify(before) === JSON.stringify(after)) continue;
    changes.push({ field, before, after });
    row[field] = after;
  }
  if (!changes.length) return;
  row.version = version++;
  row.updatedAt = now();
  const op = patch.gift ? (patch.gift.state === 'confirmed' ? 'confirmed' : 'pending') : 'updated';
  write(
    who,
    'gift_staging',
    row.id,
    titleOf(row),
    op,
    why,
    changes.filter((it) => it.field !== 'gift'),
    runId,
  );
}

function batchView(batch) {
  const mine = [...rows.values()].filter((row) => row.giftBatchId === batch.id);
  const count = { total: mine.length };
  for (const state of STATES) count[state] = mine.filter((row) => row.processingStatus === state).length;
  const totals = new Map();
  for (const row of mine) {
    const total = totals.get(row.amount.currencyCode) ?? {
      amountMicros: 0,
      currencyCode: row.amount.currencyCode,
      rows: 0,
    };
    total.amountMicros += row.amount.amountMicros;
    total.rows += 1;
    totals.set(row.amount.currencyCode, total);
  }
  return {
    ...batch,
    rows: count,
    totals: [...totals.values()],
    run: runs.findLast((run) => run.batchId === batch.id) ?? null,
    matchRun: null,
  };
}
function newBatch(body) {
  const batch = {
    id: randomUUID(),
    name: body.name,
    source: 'manual_ui',
    status: 'open',
    createdAt: now(),
    updatedAt: now(),
    version: version++,
    expectedCount: body.expectedCount ?? null,
    expectedAmount: body.expectedAmount ?? null,
    defaults: NO_CODING,
  };
  batches.set(batch.id, batch);
  write(me, 'gift_batch', batch.id, batch.name, 'created', 'Made in the queue');
  for (const id of body.rowIds ?? []) {
    const row = rows.get(id);
    if (row) change(row, { giftBatchId: batch.id }, 'Put into a batch');
  }
  return batch;
}

function startRun(batch) {
  const active = runs.find((run) => run.batchId === batch.id && ['queued', 'running'].includes(run.status));
  if (active) return active;
  const mine = [...rows.values()].filter(
    (row) => row.giftBatchId === batch.id && row.processingStatus === 'ready_for_process',
  );
  const run = {
    runId: randomUUID(),
    batchId: batch.id,
    type: 'process-batch',
    status: 'queued',
    startedAt: now(),
    finishedAt: null,
    note: null,
    progress: { rows: mine.length, attempted: 0, processed: 0, deferred: 0, errors: 0 },
    donorMatch: null,
    execution: {
      calls: 0,
      probes: 0,
      splitOperations: 0,
      batchPathProcessed: 0,
      rowFallbackProcessed: 0,
      rowFallbackErrors: 0,
    },
    recent: [],
  };
  runs.push(run);
  batch.status = 'processing';
  const who = { kind: 'run', name: 'process-batch' };
  write(me, 'run', run.runId, `Run of ${batch.name}`, 'created', 'Process asked for', [], run.runId);
  setTimeout(() => {
    run.status = 'running';
    run.execution.calls = 1;
    for (const row of mine) change(row, { processingStatus: 'processing' }, 'Being sent', who, run.runId);
    if (mine.length > 3) run.note = 'Waiting for Twenty: it allows no more calls for 2 seconds.';
    tell(['run'], [run.runId]);
    let wait = mine.length > 3 ? 2000 : 300;
    for (const row of mine) {
      setTimeout(() => {
        run.note = null;
        const bad = (row.notes ?? '').includes('refuse');
        run.progress.attempted += 1;
        if (bad) {
          run.progress.errors += 1;
          change(
            row,
            {
              processingStatus: 'process_failed',
              errorDetail: 'Twenty refused it: the donor was deleted there.',
            },
            'Twenty refused it',
            who,
            run.runId,
          );
        } else {
          run.progress.processed += 1;
          run.execution.batchPathProcessed += 1;
          const id = randomUUID();
          const gift = { id, state: 'pending', url: `${TWENTY}/object/gift/${id}` };
          change(row, { processingStatus: 'processed', gift }, 'Posted', who, run.runId);
          setTimeout(
            () =>
              change(row, { gift: { ...gift, state: 'confirmed' } }, 'Seen in Twenty', {
                kind: 'twenty',
                name: 'Twenty',
              }),
            2500,
          );
        }
        run.recent.unshift({
          rowId: row.id,
          outcome: bad ? 'error' : 'processed',
          reason: bad ? row.errorDetail : null,
          at: now(),
        });
        if (run.progress.attempted === mine.length) {
          run.status = run.progress.errors ? 'completed_with_errors' : 'completed';
          run.finishedAt = now();
          batch.status = run.progress.errors ? 'processed_with_issues' : 'processed';
          batch.updatedAt = now();
          write(
            who,
            'run',
            run.runId,
            `Run of ${batch.name}`,
            'updated',
            'Completed',
            [{ field: 'status', before: 'running', after: run.status }],
            run.runId,
          );
          write(
            who,
            'gift_batch',
            batch.id,
            batch.name,
            'updated',
            'Completed',
            [{ field: 'status', before: 'processing', after: batch.status }],
            run.runId,
          );
        }
        tell(['run', 'gift_batch'], [run.runId, batch.id]);
      }, wait);
      wait += mine.length > 40 ? 40 : 180;
    }
  }, 250);
  return run;
}

// ---- what stands there at the start ---------------------------------------------------------------------------
const METHODS = ['card', 'direct_debit', 'cash', 'cheque', 'bank_transfer'];
const NOTES = [null, null, null, 'Spring lunch', 'In memory of Harold', 'Harbour appeal, table 4', 'refuse'];
for (let i = 0; i < 64; i += 1) {
  const known = chance() < 0.62;
  const donor = pick(donors);
  const [first, ...last] = known || chance() < 0.8 ? donor.name.split(' ') : [null];
  const at = new Date(Date.now() - (64 - i) * 37 * 60_000).toISOString();
  const row = newRow(
    {
      amount: {
        amountMicros:
          pick([5, 10, 15, 20, 25, 25, 50, 75, 100, 250, 1500]) * 1_000_000 + pick([0, 0, 0, 500_000]),
        currencyCode: i % 17 === 5 ? 'EUR' : i === 40 ? 'JPY' : 'GBP',
      },
      giftDate: chance() < 0.95 ? `2026-11-${String(1 + Math.floor(chance() * 21)).padStart(2, '0')}` : null,
      contact: {
        firstName: first ?? null,
        lastName: last.join(' ') || null,
        email: first && chance() < 0.7 ? donor.email : null,
      },
      contactId: known ? donor.id : null,
      paymentMethod: chance() < 0.85 ? pick(METHODS) : null,
      notes: pick(NOTES),
      externalId: chance() < 0.4 ? `WEB-${1000 + i}` : null,
    },
    pick(['manual_ui', 'manual_api', 'csv_import', 'stripe_webhook']),
    at,
  );
  const who = row.intakeSource === 'manual_ui' ? me : { kind: 'token', name: 'Website donation form' };
  journal.push({
    seq: journal.length + 1,
    at,
    who,
    object: 'gift_staging',
    subjectId: row.id,
    title: titleOf(row),
    op: 'created',
    why: 'Gift taken in',
    requestId: `req-${randomBytes(4).toString('hex')}`,
    runId: null,
    changes: [],
  });
  if (i < 26 && row.donorId) {
    const id = randomUUID();
    row.processingStatus = 'processed';
    row.gift = { id, state: i < 24 ? 'confirmed' : 'pending', url: `${TWENTY}/object/gift/${id}` };
  } else if (i < 28 && row.donorId) {
    row.processingStatus = 'process_failed';
    row.errorDetail = 'Twenty refused it: the donor was deleted there.';
  } else if (i < 38 && row.donorId && row.giftDate) row.processingStatus = 'ready_for_process';
}
const monday = newBatch({
  name: 'Monday post',
  expectedCount: 8,
  expectedAmount: { amountMicros: 400_000_000, currencyCode: 'GBP' },
  rowIds: [...rows.values()].slice(40, 47).map((row) => row.id),
});
monday.createdAt = new Date(Date.now() - 3_600_000).toISOString();
const harbour = newBatch({
  name: 'Harbour appeal, October',
  rowIds: [...rows.values()].slice(0, 12).map((row) => row.id),
});
harbour.status = 'processed_with_issues';
harbour.createdAt = new Date(Date.now() - 26 * 3_600_000).toISOString();
runs.push({
  runId: randomUUID(),
  batchId: harbour.id,
  type: 'process-batch',
  status: 'completed_with_errors',
  startedAt: new Date(Date.now() - 25 * 3_600_000).toISOString(),
  finishedAt: new Date(Date.now() - 25 * 3_600_000 + 9000).toISOString(),
  note: null,
  progress: { rows: 12, attempted: 12, processed: 11, deferred: 0, errors: 1 },
  donorMatch: null,
  execution: {
    calls: 3,
    probes: 1,
    splitOperations: 1,
    batchPathProcessed: 10,
    rowFallbackProcessed: 1,
    rowFallbackErrors: 1,
  },
  recent: [],
});

// The first copy from Twenty, 6 seconds long from the first look at it.
const begun = Date.now();
const mirror = [
  ['people', 'People', 2000, 4000],
  ['gifts', 'Gifts', 6000, 6500],
  ['companies', 'Companies', 140, 800],
];
let syncedAt = new Map();
function objects() {
  return mirror.map(([object, label, total, ms]) => {
    const share = process.env.MOCK_NEVER ? 0.43 : Math.min(1, (Date.now() - begun) / ms);
    if (share === 1 && !syncedAt.has(object)) {
      syncedAt.set(object, now());
    }
    const running = share < 1;
    const done = Math.floor(total * share);
    return {
      object,
      label,
      records: done,
      pending: object === 'gifts' ? 2 : 0,
      freshness: {
        state: running ? 'never' : 'fresh',
        syncedAt: syncedAt.get(object) ?? null,
        running,
        done,
        total,
        note: null,
      },
    };
  });
}
const syncing = setInterval(() => {
  tell(['sync', 'people', 'gifts'], null);
  if (objects().every((it) => !it.freshness.running)) clearInterval(syncing);
}, 300);

// ---- what was changed here and in Twenty ------------------------------------------------------------------------
const before = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
const about = (donor) => ({ object: 'people', label: donor.name, recordId: donor.id, url: donor.url });
const side = (value, who, minutes) => ({ value, who, at: before(minutes) });
const conflicts = new Map(
  [
    {
      id: randomUUID(),
      ...about(donors[0]),
      since: before(3),
      fields: [
        {
          field: 'jobTitle',
          label: 'Job Title',
          here: side('Treasurer', me.name, 4),
          there: side('Chair of the trustees', 'Rhys Griffiths', 12),
        },
        {
          field: 'emails',
          label: 'Emails',
          here: side({ primaryEmail: 'ada@example.org', additionalEmails: [] }, me.name, 4),
          there: side(
            { primaryEmail: 'a.lovelace@example.org', additionalEmails: ['ada@home.example'] },
            null,
            12,
          ),
        },
      ],
    },
    {
      id: randomUUID(),
      ...about(donors[1]),
      since: before(26 * 60),
      fields: [
        {
          field: 'name.lastName',
          label: 'Name · lastName',
          here: side('O’Neill-Kerr', 'Website donation form', 27 * 60),
          there: side('', 'Rhys Griffiths', 30 * 60),
        },
      ],
    },
  ].map((it) => [it.id, it]),
);
const edit = (donor, fields, state, withdrawable, note, minutes, more = {}) => ({
  id: randomUUID(),
  ...about(donor),
  makes: false,
  fields,
  state,
  withdrawable,
  note,
  at: before(minutes),
  who: me.name,
  ...more,
});
const field = (name, label, value) => ({ field: name, label, value });
const edits = new Map(
  [
    ...[...conflicts.values()].map((it) =>
      edit(donors[0], [], 'conflict', true, null, 4, { id: it.id, label: it.label }),
    ),
    edit(
      donors[2],
      [
        field('jobTitle', 'Job Title', 'Volunteer co-ordinator'),
        field('address.addressCity', 'Address · addressCity', 'Falmouth'),
      ],
      'waiting',
      true,
      'Twenty allows no more calls for 20 seconds.',
      1,
    ),
    edit(donors[3], [field('doNotContact', 'Do not contact', true)], 'sent', false, null, 0),
    edit(donors[4], [], 'waiting', true, null, 2, {
      object: 'tasks',
      label: 'Ring about the roof',
      url: null,
      makes: true,
    }),
    edit(
      donors[5],
      [field('externalId', 'External id', 'M-1042')],
      'refused',
      true,
      'Twenty refused this: A duplicate entry was detected',
      95,
    ),
  ].map((it) => [it.id, it]),
);
const quarantine = [
  {
    id: randomUUID(),
    object: 'gifts',
    record: randomUUID(),
    reason: 'The amount has no currency that exists: ZZZ.',
    since: before(40),
    url: `${TWENTY}/object/gift/x`,
  },
];
const listed = (list) => ({
  data: list,
  meta: { hasMore: false, nextCursor: null, total: list.length, asOf: now(), freshness: null },
});
function decide(id, body) {
  const conflict = find(conflicts, id);
  const chosen = (name) => body.fields?.[name] ?? body.choose;
  const rest = conflict.fields.filter((it) => !chosen(it.field));
  if (rest.length === conflict.fields.length)
    throw new Problem(400, 'Please check the fields', 'None of these fields is in this conflict.', [
      { field: 'choose', message: 'None of these fields is in this conflict.' },
    ]);
  const ours = conflict.fields.filter((it) => chosen(it.field) === 'here');
  if (ours.length > 0) {
    const wanted = ours.map((it) => field(it.field, it.label, it.here.value));
    const sent = edit(donors[0], wanted, 'waiting', true, null, 0, {
      label: conflict.label,
      recordId: conflict.recordId,
      url: conflict.url,
    });
    edits.set(sent.id, sent);
    setTimeout(() => edits.delete(sent.id) && tell(['edit'], [sent.id]), 4000);
  }
  if (rest.length > 0) conflict.fields = rest;
  else for (const map of [conflicts, edits]) map.delete(id);
  write(me, 'conflict', id, conflict.label, 'updated', 'Conflict decided');
  tell(['edit'], [id]);
  return null;
}
function takeBack(id) {
  const it = find(edits, id);
  if (!it.withdrawable)
    throw new Problem(
      409,
      'Not possible now',
      'This may be in Twenty already. Wait until it is settled, then change the record there or here.',
    );
  for (const map of [conflicts, edits]) map.delete(id);
  write(me, 'edit', id, it.label, 'deleted', 'Taken back');
  return null;
}

// ---- http ----------------------------------------------------------------------------------------------------
const logins = new Set([randomBytes(16).toString('base64url')]);
const sessions = new Set();

class Problem extends Error {
  constructor(status, title, detail, errors = []) {
    super(title);
    Object.assign(this, { status, title, detail, errors });
  }
}
const find = (map, id) =>
  map.get(id) ??
  (() => {
    throw new Problem(404, 'Not found', 'There is no such record.');
  })();
const session = () => ({
  user: {
    id: '1',
    name: 'Maya Okafor',
    email: 'maya@harbourlights.example',
    role: process.env.MOCK_ROLE ?? 'admin',
  },
  demo: true,
  version: '0.1.0',
  organisation: 'Harbour Lights Trust',
  timeZone: ZONE,
  rights:
    process.env.MOCK_ROLE === 'viewer'
      ? ['see']
      : [
          'see',
          'take_in',
          'review',
          'process',
          'edit',
          'decide',
          'sync',
          'journal',
          'settings',
          'users',
          'tokens',
        ],
});
const answer = (row, extra = {}) => ({ data: { giftStaging: view(row) }, meta: { asOf: now(), ...extra } });
const counts = (list) =>
  Object.fromEntries(
    STATES.map((state) => [state, list.filter((row) => row.processingStatus === state).length]),
  );
const matches = (row, q) =>
  [
    row.donorFirstName,
    row.donorLastName,
    row.donorEmail,
    row.notes,
    row.externalId,
    donors.find((it) => it.id === row.donorId)?.name,
  ].some((text) => text?.toLowerCase().includes(q));

const gifts = [
  { object: 'gifts', title: 'Ada Whitlock', day: '2026-11-23', donorId: '1', url: null },
  { object: 'gifts', title: 'Jon Pell', day: '2026-11-24', donorId: '2', url: null },
].map((gift, n) =>
  Object.assign(gift, { amount: { amountMicros: (n + 1) * 10_000_000, currencyCode: 'GBP' } }),
);
function compared(period) {
  const came = (name, from, to, list) => ({
    name,
    from,
    to,
    gifts: list.length,
    totals: list.length
      ? [
          {
            amountMicros: list.reduce((sum, gift) => sum + gift.amount.amountMicros, 0),
            currencyCode: 'GBP',
            rows: list.length,
          },
        ]
      : [],
    withoutAmount: 0,
  });
  return {
    now: came(`gifts-this-${period}`, '2026-11-23', '2026-11-26', gifts),
    before: came(`gifts-that-${period}-last-year`, '2025-11-24', '2025-11-27', gifts.slice(1)),
  };
}
function mark(id, processingStatus) {
  const row = find(rows, id);
  const shown = view(row);
  if (processingStatus === 'ready_for_process' && !shown.allowed.markReady)
    throw new Problem(
      409,
      'Not ready',
      shown.processingDiagnostics.processingBlockers.map((it) => it.text).join(' ') ||
        'It is not under review.',
      shown.processingDiagnostics.processingBlockers.map((it) => ({
        field: it.code,
        message: `${it.text} ${it.action}`,
      })),
    );
  const why = { ready_for_process: 'Marked ready', pending: 'Put back to review', discarded: 'Set aside' }[
    processingStatus
  ];
  change(row, { processingStatus, errorDetail: null }, why);
  return row;
}
// Duplicates: three pairs of the first donors, and what was said about them.
const pairs = [0, 2, 4].map((at, n) => ({
  left: donors[at],
  right: donors[at + 1],
  bits: [4.2, 1.1, -0.6][n],
}));
const verdicts = new Map();
const personLinks = new Map();
const mergesAsked = new Map();
const word = (bits) =>
  bits > 9.9 ? 'certain' : bits > 3.2 ? 'very likely' : bits > -3.2 ? 'possible' : 'unlikely';
const short = ({ id, name, email, city }) => ({ id, name, email, city, postcode: null });
const end = (donor) => ({ kind: 'person', id: donor.id, name: donor.name });
const pairSide = (donor) => ({
  ...short(donor),
  url: donor.url,
  createdAt: '2024-03-01T09:00:00.000Z',
  giving: {
    count: donor.giftCount,
    totals: [{ amountMicros: donor.giftCount * 25_000_000, currencyCode: 'GBP', rows: donor.giftCount }],
    firstDate: donor.lastGiftDate,
    lastDate: donor.lastGiftDate,
    withoutAmount: 0,
  },
  gifts: [],
  waiting: 0,
});
const openPairs = () =>
  pairs.filter((it) => !['same', 'different', 'unsure'].includes(verdicts.get(it)?.said));
function pairList({ q }) {
  const blind = q.get('blind') === 'true';
  const data = openPairs().map((it) => ({
    left: short(it.left),
    right: short(it.right),
    groupId: it.left.id,
    groupSize: 2,
    weakest: true,
    bridge: false,
    atRisk: { amountMicros: 50_000_000, currencyCode: 'GBP' },
    bits: blind ? null : it.bits,
    likelihood: blind ? null : word(it.bits),
  }));
  const finding = { complete: true, lookedAt: donors.length, people: donors.length, model: 'mock' };
  return { data, meta: { asOf: now(), total: data.length, groups: data.length, hasMore: false, finding } };
}
function pairView({ q, id }) {
  const it = pairs.find((pair) => pair.left.id === id);
  if (!it) throw new Problem(404, 'Not found', 'There is no such donor.');
  const hidden = q.get('blind') === 'true' && !verdicts.has(it);
  const field = (label, left, right) => ({
    label,
    left,
    right,
    found: !left || !right ? 'missing' : left === right ? 'same' : 'different',
  });
  const data = {
    left: pairSide(it.left),
    right: pairSide(it.right),
    fields: [
      field('First name', it.left.name.split(' ')[0], it.right.name.split(' ')[0]),
      field('Last name', it.left.name.split(' ')[1], it.right.name.split(' ')[1]),
      field('E-mail', it.left.email, it.right.email),
      field('Town', it.left.city, it.right.city),
    ],
    keep: it.left.id,
    weight: hidden ? null : { bits: it.bits, probability: 0.9, likelihood: word(it.bits), waterfall: [] },
    line: hidden
      ? null
      : `${word(it.bits)} (${it.bits} bits); for: last name the same (+6.1); against: e-mail different (-1.9)`,
    group: {
      id: it.left.id,
      members: [short(it.left), short(it.right)],
      weakest: true,
      probability: hidden ? null : 0.9,
    },
    verdict: null,
    link: null,
  };
  return { data };
}
function sayPair({ body }) {
  const it = pairs.find((pair) => pair.left.id === body.left.personId);
  if (!it) throw new Problem(404, 'Not found', 'There is no such record.');
  const before = verdicts.get(it);
  if (before?.linkId) personLinks.get(before.linkId).state = 'undone';
  let linkId = null;
  if (body.said === 'same' && body.keep) {
    linkId = randomUUID();
    const [kept, joined] = body.keep === it.left.id ? [it.left, it.right] : [it.right, it.left];
    personLinks.set(linkId, {
      id: linkId,
      joined: end(joined),
      kept: end(kept),
      rule: 'person',
      state: 'made',
      rows: 0,
      who: 'Maya Okafor',
      at: now(),
      undoneBy: null,
      undoneAt: null,
      conflicts: [],
    });
  }
  const verdict = {
    id: randomUUID(),
    left: end(it.left),
    right: end(it.right),
    said: body.said,
    holds: body.said !== 'open',
    expired: null,
    bits: it.bits,
    likelihood: word(it.bits),
    model: 'mock',
    blind: body.blind,
    linkId,
    who: 'Maya Okafor',
    at: now(),
  };
  verdicts.set(it, verdict);
  return { data: verdict };
}
const newest = (map) => ({
  data: [...map.values()].toReversed(),
  meta: { has_more: false, next_cursor: null, as_of: now() },
});
function agreement() {
  const said = [...verdicts.values()].filter((it) => it.said === 'same' || it.said === 'different');
  const agrees = (it) => it.bits > 0 === (it.said === 'same');
  const blind = said.filter((it) => it.blind);
  return {
    data: {
      decided: said.length,
      agreed: said.filter(agrees).length,
      blind: blind.length,
      blindAgreed: blind.filter(agrees).length,
      unsure: [...verdicts.values()].filter((it) => it.said === 'unsure').length,
      expired: 0,
      byLikelihood: [],
    },
  };
}
function askMerge({ body }) {
  const who = (id) => end(donors.find((it) => it.id === id));
  const merge = {
    id: randomUUID(),
    keep: who(body.keepId),
    lose: body.loseIds.map(who),
    state: 'previewed',
    preview: { record: null, gifts: 2, links: 0, rows: 0, at: now() },
    note: null,
    lostGifts: [],
    withdrawable: true,
    who: 'Maya Okafor',
    at: now(),
    doneAt: null,
  };
  mergesAsked.set(merge.id, merge);
  return { data: merge };
}

const routes = [
  ['GET', '/api/fundraising/people/duplicates', pairList],
  ['GET', '/api/fundraising/people/duplicates/:id/:other', pairView],
  ['POST', '/api/fundraising/people/verdicts', sayPair],
  ['GET', '/api/fundraising/people/agreement', agreement],
  ['GET', '/api/fundraising/people/links', () => newest(personLinks)],
  [
    'POST',
    '/api/fundraising/people/links/:id/undo',
    ({ id }) => ({ data: Object.assign(personLinks.get(id), { state: 'undone' }) }),
  ],
  ['GET', '/api/fundraising/people/merges', () => newest(mergesAsked)],
  ['POST', '/api/fundraising/people/merges', askMerge],
  [
    'POST',
    '/api/fundraising/people/merges/:id/confirm',
    ({ id }) => ({ data: Object.assign(mergesAsked.get(id), { state: 'done', withdrawable: false }) }),
  ],
  [
    'DELETE',
    '/api/fundraising/people/merges/:id',
    ({ id }) => {
      Object.assign(mergesAsked.get(id), { state: 'withdrawn', withdrawable: false });
      return null;
    },
  ],
  ['GET', '/api/session', session],
  [
    'GET',
    '/api/settings',
    () => ({
      data: {
        warnings: [
          { code: 'fund_missing', text: 'No fund is named.', on: false, preset: false },
          {
            code: 'possible_duplicate_gift',
            text: 'The same donor has a gift of the same amount within a day of this one.',
            on: true,
            preset: true,
          },
        ],
        exceptions: {},
        unusual: { times: 5, donorGifts: 3, channelGifts: 20 },
        promiseDays: {},
        promiseDaysElse: 5,
        flags: [],
      },
      meta: { asOf: now(), version: 0, changedAt: null },
    }),
  ],
  ['GET', '/api/choices/:id', () => ({ data: [], meta: { asOf: now(), freshness: objects()[0].freshness } })],
  ['DELETE', '/api/session', (_, __, req) => (sessions.delete(cookie(req)), null)],
  [
    'GET',
    '/api/books/changes',
    () => ({ data: [], meta: { asOf: now(), hasMore: false, nextCursor: null, needsAPerson: 0 } }),
  ],
  ['GET', '/api/portfolio', () => ({ data: [], meta: { asOf: now() } })],
  ['GET', '/api/books/set-aside', () => ({ data: [] })],
  ['GET', '/api/books/companies', () => ({ data: [], meta: { asOf: now(), setUp: false, month: null } })],
  [
    'GET',
    '/api/health',
    () => ({
      status: 'warning',
      checks: [
        { name: 'ledger', status: 'ok', says: 'It answers, up to entry 9.' },
        { name: 'backup', status: 'warning', says: 'No backups are set up.' },
      ],
    }),
  ],
  [
    'GET',
    '/api/home',
    () => {
      const all = counts([...rows.values()]);
      const needsMe = [];
      if (all.process_failed)
        needsMe.push({
          count: all.process_failed,
          text: `${all.process_failed} gift${all.process_failed > 1 ? 's' : ''} could not be posted.`,
          action: 'See why and try again.',
          href: '/staging?status=process_failed',
        });
      const lost = [...rows.values()].filter(
        (row) => row.processingStatus === 'pending' && !row.donorId,
      ).length;
      if (lost)
        needsMe.push({
          count: lost,
          text: `${lost} gifts have no donor yet.`,
          action: 'Choose who gave them.',
          href: '/staging',
        });
      if (all.ready_for_process)
        needsMe.push({
          count: all.ready_for_process,
          text: `${all.ready_for_process} gifts are ready to be sent.`,
          action: 'Process them.',
          href: '/staging?status=ready_for_process',
        });
      return {
        asOf: now(),
        demo: true,
        organisation: 'Harbour Lights Trust',
        timeZone: ZONE,
        staging: all,
        mirror: objects(),
        needsMe,
        runs: runs.toReversed().slice(0, 6),
        twenty: {
          url: TWENTY,
          reachable: !process.env.MOCK_DOWN,
          note: process.env.MOCK_DOWN ? 'Connection refused.' : null,
        },
        cameIn: { week: compared('week'), month: compared('month'), freshness: objects()[0].freshness },
        nudges: [
          { name: 'first-gifts', count: gifts.length, note: null, freshness: objects()[0].freshness },
          { name: 'tasks-due', count: null, note: 'Not mirrored yet.', freshness: objects()[0].freshness },
        ],
        activity: journal.toReversed().slice(0, 8),
      };
    },
  ],
  [
    'GET',
    '/api/home/figures/:id',
    ({ id }) => ({
      data: gifts.map((gift, n) => Object.assign(gift, { id: String(n) })),
      meta: { name: id, total: gifts.length, hasMore: false, asOf: now(), freshness: objects()[0].freshness },
    }),
  ],
  [
    'GET',
    '/api/sync',
    () => ({
      asOf: now(),
      everyMs: 900_000,
      twenty: { url: 'http://127.0.0.1:1', version: '2.19.0', modelReadAt: now() },
      objects: objects().map((it) =>
        Object.assign(it, {
          deleted: 0,
          paused: false,
          completeness: 'never',
          proof: null,
          count: null,
          walking: it.freshness.running,
          minutesLeft: null,
          calls: 0,
          waiting: 0,
          untold: 0,
          told: 0,
        }),
      ),
      others: [],
      webhook: { state: 'off', url: null, checkedAt: null, heardAt: null, heard: 0, refused: 0, note: null },
      quarantined: quarantine.length,
      conflicts: conflicts.size,
      edits: edits.size,
      budget: null,
      lacks: [],
    }),
  ],
  [
    'POST',
    '/api/sync',
    () => ((syncedAt = new Map(mirror.map(([object]) => [object, now()]))), tell(['sync'], null), {}),
  ],
  ['GET', '/api/sync/quarantine', () => listed(quarantine)],
  ['GET', '/api/sync/conflicts', () => listed([...conflicts.values()])],
  ['POST', '/api/sync/conflicts/:id', ({ id, body }) => decide(id, body)],
  ['GET', '/api/sync/edits', () => listed([...edits.values()].toReversed())],
  ['DELETE', '/api/sync/edits/:id', ({ id }) => takeBack(id)],
  [
    'GET',
    '/api/fundraising/gift-staging',
    ({ q }) => {
      for (const key of q.keys())
        if (
          !['status', 'giftBatchId', 'intakeSource', 'search', 'sort', 'limit', 'cursor', 'offset'].includes(
            key,
          )
        )
          throw new Problem(400, 'Bad request', `There is no parameter ${key}.`);
      let list = [...rows.values()];
      if (q.get('giftBatchId')) list = list.filter((row) => row.giftBatchId === q.get('giftBatchId'));
      if (q.get('search')) list = list.filter((row) => matches(row, q.get('search').toLowerCase()));
      const all = counts(list);
      const wanted = (q.get('status') ?? '')
        .replace('needs_attention', 'pending,process_failed')
        .split(',')
        .filter(Boolean);
      for (const word of wanted)
        if (!STATES.includes(word)) throw new Problem(400, 'Bad request', `There is no status ${word}.`);
      if (wanted.length) list = list.filter((row) => wanted.includes(row.processingStatus));
      const [field, way] = (q.get('sort') ?? 'createdAt:desc').split(':');
      const of = (row) => (field === 'amount.amountMicros' ? row.amount.amountMicros : row[field]);
      list.sort((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0) * (way === 'desc' ? -1 : 1));
      const from = Number(q.get('cursor') ?? q.get('offset') ?? 0);
      const limit = Number(q.get('limit') ?? 25);
      const hasMore = list.length > from + limit;
      return {
        data: list.slice(from, from + limit).map(view),
        meta: {
          hasMore,
          nextCursor: hasMore ? String(from + limit) : null,
          total: list.length,
          asOf: now(),
          counts: all,
          readyOutsideBatches: [...rows.values()].filter(
            (it) => it.processingStatus === 'ready_for_process' && !it.giftBatchId,
          ).length,
        },
      };
    },
  ],
  [
    'POST',
    '/api/fundraising/gift-staging',
    ({ body, headers }) => {
      if (!body.amount)
        throw new Problem(400, 'Bad request', 'An amount is needed.', [
          { field: 'amount', message: 'Enter the amount.' },
        ]);
      const key = headers['idempotency-key'];
      const text = JSON.stringify(body);
      if (key && keys.has(key)) {
        if (keys.get(key).text !== text)
          throw new Problem(422, 'Key used again', 'This Idempotency-Key belongs to another gift.');
        return { ...answer(rows.get(keys.get(key).id), { created: false }) };
      }
      const row = newRow(body, 'manual_api');
      if (key) keys.set(key, { text, id: row.id });
      write(me, 'gift_staging', row.id, titleOf(row), 'created', 'Gift taken in');
      return answer(row, { created: true, stagedOnly: true, rawPayloadAvailable: true });
    },
  ],
  [
    'POST',
    '/api/fundraising/gift-staging/process-ready',
    () => {
      const ready = [...rows.values()].filter(
        (row) => row.processingStatus === 'ready_for_process' && !row.giftBatchId,
      );
      if (!ready.length)
        throw new Problem(
          409,
          'Nothing is ready',
          'No ready gift is outside a batch. Mark gifts ready first.',
        );
      const batch = newBatch({
        name: `Ready gifts, ${new Date().toLocaleString('en-GB', { timeZone: ZONE, day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })}`,
        rowIds: ready.map((row) => row.id),
      });
      const run = startRun(batch);
      return { data: { giftBatch: batchView(batch), run } };
    },
  ],
  [
    'GET',
    '/api/fundraising/gift-staging/:id',
    ({ id }) => {
      const row = find(rows, id);
      return answer(row, {
        rawPayload: row.raw,
        history: journal.filter((it) => it.subjectId === id).toReversed(),
      });
    },
  ],
  [
    'PATCH',
    '/api/fundraising/gift-staging/:id',
    ({ id, body, headers }) => {
      const row = find(rows, id);
      const wanted = headers['if-match'];
      if (wanted && wanted !== `"${row.version}"`)
        throw new Problem(412, 'Changed meanwhile', 'Somebody changed this gift since you opened it.');
      if (!view(row).allowed.edit)
        throw new Problem(409, 'Not possible now', 'This gift is being sent or has been posted.');
      const patch = { ...body };
      if (
        row.processingStatus === 'ready_for_process' &&
        ['amount', 'giftDate', 'donorId'].some((key) => key in body)
      )
        patch.processingStatus = 'pending';
      change(row, patch, 'Corrected');
      return answer(row);
    },
  ],
  [
    'PATCH',
    '/api/fundraising/gift-staging/:id/status',
    ({ id, body }) => answer(mark(id, body.processingStatus)),
  ],
  [
    'POST',
    '/api/fundraising/gift-staging/status',
    ({ body }) => ({
      data: body.ids.map((id) => {
        try {
          mark(id, body.processingStatus);
          return { id, done: true, message: null };
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          return { id, done: false, message: error.errors[0]?.message ?? error.detail };
        }
      }),
    }),
  ],
  [
    'GET',
    '/api/fundraising/gift-batches',
    () => ({
      data: { giftBatches: [...batches.values()].toReversed().map(batchView) },
      meta: { asOf: now(), hasMore: false, nextCursor: null },
    }),
  ],
  [
    'POST',
    '/api/fundraising/gift-batches',
    ({ body }) => ({ data: { createGiftBatch: batchView(newBatch(body)) } }),
  ],
  [
    'GET',
    '/api/fundraising/gift-batches/:id',
    ({ id }) => ({ data: { giftBatch: batchView(find(batches, id)) }, meta: { asOf: now() } }),
  ],
  [
    'POST',
    '/api/fundraising/gift-batches/:id/process',
    ({ id }) => ({ data: { run: startRun(find(batches, id)) } }),
  ],
  [
    'GET',
    '/api/donors',
    ({ q }) => {
      const parts = (q.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
      const list = donors.filter((donor) =>
        parts.every((part) => `${donor.name} ${donor.email ?? ''}`.toLowerCase().includes(part)),
      );
      return {
        data: list.slice(0, Number(q.get('limit') ?? 20)),
        meta: { asOf: now(), freshness: objects()[0].freshness, behind: 0 },
      };
    },
  ],
  [
    'GET',
    '/api/journal',
    ({ q }) => {
      const before = Number(q.get('before') ?? Infinity);
      const list = journal
        .filter(
          (it) =>
            it.seq < before &&
            (!q.get('subject') || it.subjectId === q.get('subject')) &&
            (!q.get('object') || it.object === q.get('object')),
        )
        .toReversed();
      const limit = Number(q.get('limit') ?? 50);
      const data = list.slice(0, limit);
      return {
        data,
        meta: {
          hasMore: list.length > limit,
          nextBefore: data.at(-1)?.seq ?? null,
          asOf: now(),
          entries: journal.length,
        },
      };
    },
  ],
  ['GET', '/api/tokens', () => ({ data: tokens })],
  [
    'POST',
    '/api/tokens',
    ({ body }) => {
      const token = {
        id: randomUUID(),
        name: body.name,
        scopes: body.scopes,
        createdAt: now(),
        lastUsedAt: null,
      };
      tokens.push(token);
      return { ...token, token: `alm_${randomBytes(24).toString('base64url')}` };
    },
  ],
  [
    'DELETE',
    '/api/tokens/:id',
    ({ id }) => (
      tokens.splice(
        tokens.findIndex((it) => it.id === id),
        1,
      ),
      null
    ),
  ],
];

const cookie = (req) => /almoner_session=([^;]+)/.exec(req.headers.cookie ?? '')?.[1];
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
};

function file(req, res, path) {
  let at = normalize(join(BUILD, path));
  if (!at.startsWith(BUILD) || !existsSync(at) || !statSync(at).isFile()) at = join(BUILD, 'index.html');
  res.setHeader('content-type', TYPES[extname(at)] ?? 'application/octet-stream');
  res.setHeader(
    'cache-control',
    path.includes('/immutable/') ? 'public, max-age=31536000, immutable' : 'no-cache',
  );
  const accepts = req.headers['accept-encoding'] ?? '';
  for (const [name, ext] of [
    ['br', '.br'],
    ['gzip', '.gz'],
  ])
    if (accepts.includes(name) && existsSync(at + ext)) {
      res.setHeader('content-encoding', name);
      return createReadStream(at + ext).pipe(res);
    }
  createReadStream(at).pipe(res);
}

const server = createServer(async (req, res) => {
  const url = new URL(req.url, 'http://localhost');
  const path = url.pathname;
  if (path === '/login/once') {
    const made = randomUUID();
    sessions.add(made);
    res.writeHead(303, {
      location: '/',
      'set-cookie': `almoner_session=${made}; Path=/; HttpOnly; SameSite=Lax`,
    });
    return res.end();
  }
  if (path === '/login') {
    res.setHeader('content-type', 'text/html; charset=utf-8');
    return res.end(
      '<!doctype html><html lang="en-GB"><title>Sign in</title><h1>Sign in</h1><p><a href="/login/once?demo">Go on as Maya</a></p></html>',
    );
  }
  if (path === '/health') return res.end('{"status":"ok"}');
  if (!path.startsWith('/api/')) {
    if (!cookie(req) || !sessions.has(cookie(req)))
      if (!extname(path)) {
        res.writeHead(303, { location: `/login?next=${encodeURIComponent(path)}` });
        return res.end();
      }
    return file(req, res, path);
  }
  const send = (status, body, type = 'application/json') => {
    res.writeHead(status, { 'content-type': type, 'x-request-id': randomBytes(6).toString('hex') });
    res.end(body === null ? undefined : JSON.stringify(body));
  };
  try {
    if (!sessions.has(cookie(req))) throw new Problem(401, 'Sign in', 'Sign in first.');
    if (path === '/api/events') {
      res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      res.write(': ok\n\n');
      streams.add(res);
      return req.on('close', () => streams.delete(res));
    }
    let text = '';
    for await (const part of req) text += part;
    if (process.env.MOCK_SLOW) await new Promise((done) => setTimeout(done, Number(process.env.MOCK_SLOW)));
    if (process.env.MOCK_BROKEN && path !== '/api/session')
      throw new Problem(
        503,
        'The ledger is busy',
        'Almoner could not read its ledger. Try again in a moment.',
      );
    for (const [method, pattern, run] of routes) {
      const names = pattern.split('/');
      const parts = path.split('/');
      if (method !== req.method || names.length !== parts.length) continue;
      if (!names.every((name, i) => name.startsWith(':') || name === parts[i])) continue;
      const id = parts[names.indexOf(':id')];
      const body = run(
        { q: url.searchParams, id, body: text ? JSON.parse(text) : {}, headers: req.headers },
        res,
        req,
      );
      return send(body === null ? 204 : path === '/api/tokens' && method === 'POST' ? 201 : 200, body);
    }
    throw new Problem(404, 'Not found', 'There is no such address.');
  } catch (error) {
    if (!(error instanceof Problem)) console.error(error);
    const status = error.status ?? 500;
    send(
      status,
      {
        type: 'about:blank',
        title: error.title ?? 'Broken',
        status,
        detail: error.detail ?? String(error),
        requestId: randomBytes(6).toString('hex'),
        errors: error.errors ?? [],
      },
      'application/problem+json',
    );
  }
});
setInterval(() => streams.forEach((res) => res.write(': ok\n\n')), 15_000).unref();
server.listen(PORT, '127.0.0.1', () => {
  const { port } = server.address();
  console.log(`Almoner is at http://127.0.0.1:${port}/`);
  console.log(`Log in once with http://127.0.0.1:${port}/login/once?token=${[...logins][0]}`);
});
