// Drives a server with fhir-kit-client, every public method of it; prints those that were not called.
// node fhir_kit_client.mjs http://127.0.0.1:8080/fhir
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Client } from "fhir-kit-client";

const called = new Set();
const methods = Object.getOwnPropertyNames(Client.prototype).filter((name) => {
  const { value } = Object.getOwnPropertyDescriptor(Client.prototype, name);
  return typeof value === "function" && name !== "constructor";
});
for (const name of methods) {
  const method = Client.prototype[name];
  Client.prototype[name] = function (...given) {
    called.add(name);
    return method.apply(this, given);
  };
}

const baseUrl = process.argv[2];
const client = new Client({ baseUrl });
const family = `Kit${randomUUID().replaceAll(/[^a-f]/g, "")}`;
const resourceType = "Patient";
const person = (more = {}) => ({ resourceType, name: [{ family }], ...more });
const status = (answer) => Client.httpFor(answer).response.status;

async function refused(code, promise) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.response.status, code);
    assert.equal(error.response.data.resourceType, "OperationOutcome");
    return true;
  });
}

const steps = {
  async "says what it can"() {
    const statement = await client.capabilityStatement();
    assert.equal(statement.fhirVersion, "5.0.0");
    assert.deepEqual(await client.request("metadata"), statement);
  },

  async "has no SMART configuration, and says so cleanly"() {
    const found = await client.smartAuthMetadata();
    assert.deepEqual(Object.values(found).filter(Boolean), []);
  },

  async "creates, reads, changes, patches and deletes"() {
    const made = await client.create({ resourceType, body: person() });
    const { id } = made;
    assert.equal(status(made), 201);
    assert.deepEqual(await client.read({ resourceType, id }), made);
    const updated = await client.update({ resourceType, id, body: { ...made, active: false } });
    assert.equal(updated.meta.versionId, "2");
    const jsonPatch = [{ op: "replace", path: "/active", value: true }];
    const patched = await client.patch({ resourceType, id, jsonPatch });
    assert.equal(patched.active, true);
    assert.deepEqual(await client.vread({ resourceType, id, version: "1" }), made);
    const history = await client.history({ resourceType, id });
    assert.deepEqual(history.entry.map((entry) => entry.request.method), ["PATCH", "PUT", "POST"]);
    assert.equal((await client.resourceHistory({ resourceType, id })).total, 3);
    await client.delete({ resourceType, id });
    await refused(410, client.read({ resourceType, id }));
    await refused(404, client.read({ resourceType, id: "never-was" }));
  },

  async "tells the history of a type and of everything"() {
    for (const history of [await client.typeHistory({ resourceType }), await client.systemHistory()]) {
      assert.equal(history.type, "history");
      assert.ok(history.entry.length > 0);
    }
  },

  async "searches in every way, and pages to the end"() {
    for (const birthDate of ["1950", "1951", "1952", "1953", "1954"]) {
      await client.create({ resourceType, body: person({ birthDate }) });
    }
    const searchParams = { family, _count: "2", _sort: "birthdate" };
    const yearsOf = (page) => page?.entry.map((entry) => entry.resource.birthDate);
    let bundle = await client.search({ resourceType, searchParams });
    const pages = [];
    while (bundle) {
      assert.equal(bundle.total, 5);
      assert.deepEqual(yearsOf(await client.prevPage({ bundle })), pages.at(-1));
      pages.push(yearsOf(bundle));
      bundle = await client.nextPage({ bundle });
    }
    assert.deepEqual(pages, [["1950", "1951"], ["1952", "1953"], ["1954"]]);
    const posted = await client.search({ resourceType, searchParams: { family }, options: { postSearch: true } });
    assert.equal(posted.total, 5);
    assert.equal((await client.resourceSearch({ resourceType, searchParams: { family } })).total, 5);
    assert.ok((await client.systemSearch({ searchParams: { _type: "Patient" } })).total >= 5);
    const compartment = { resourceType, id: "any" };
    await refused(404, client.compartmentSearch({ resourceType: "Provenance", compartment }));
  },

  async "writes by criteria"() {
    const value = randomUUID();
    const body = person({ identifier: [{ system: "urn:kit", value }] });
    const options = { headers: { "If-None-Exist": `identifier=urn:kit|${value}` } };
    const made = await client.create({ resourceType, body, options });
    const again = await client.create({ resourceType, body, options });
    assert.deepEqual([status(made), status(again), again.id], [201, 200, made.id]);
    const searchParams = { identifier: `urn:kit|${value}` };
    const updated = await client.update({ resourceType, searchParams, body: { ...body, active: true } });
    assert.deepEqual([updated.id, updated.meta.versionId], [made.id, "2"]);
    const minimal = { headers: { Prefer: "return=minimal" } };
    assert.equal(status(await client.create({ resourceType, body: person(), options: minimal })), 201);
    await refused(412, client.update({ resourceType, searchParams: { family }, body }));
  },

  async "sends a batch and a transaction, and resolves what they refer to"() {
    const clinic = `urn:uuid:${randomUUID()}`;
    const body = {
      resourceType: "Bundle",
      type: "transaction",
      entry: [
        { fullUrl: clinic, request: { method: "POST", url: "Organization" }, resource: { resourceType: "Organization", name: family } },
        { request: { method: "POST", url: "Patient" }, resource: person({ managingOrganization: { reference: clinic } }) },
      ],
    };
    const answer = await client.transaction({ body });
    assert.deepEqual(answer.entry.map((entry) => entry.response.status), ["201 Created", "201 Created"]);
    const [, location] = /\/(Patient\/[^/]+)\//.exec(answer.entry[1].response.location);
    const made = await client.resolve({ reference: location });
    const referred = await client.resolve({ reference: made.managingOrganization.reference, context: made });
    assert.equal(referred.name, family);
    const entry = [{ request: { method: "GET", url: location } }, { request: { method: "GET", url: "Patient/never-was" } }];
    const batch = await client.batch({ body: { resourceType: "Bundle", type: "batch", entry } });
    assert.deepEqual(batch.entry.map((each) => each.response.status), ["200 OK", "404 Not Found"]);
  },

  async "asks who somebody is, and calls other operations"() {
    const known = person({ birthDate: "1961-03-04", telecom: [{ system: "phone", value: "+49 30 5550100" }] });
    const made = await client.create({ resourceType, body: known });
    const input = {
      resourceType: "Parameters",
      parameter: [{ name: "resource", resource: known }, { name: "count", valueInteger: 3 }],
    };
    const found = await client.operation({ name: "match", resourceType, input });
    assert.equal(found.entry[0].resource.id, made.id);
    const meta = await client.operation({ name: "meta", resourceType, id: made.id, method: "GET" });
    assert.equal(meta.resourceType, "Parameters");
    await refused(400, client.operation({ name: "match", resourceType, input: { resourceType: "Parameters" } }));
  },
};

for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
  } catch (error) {
    console.error(`${name}: ${error.stack} ${JSON.stringify(error.response?.data)}`);
    process.exitCode = 1;
  }
}
console.log(JSON.stringify(methods.filter((name) => !called.has(name))));
