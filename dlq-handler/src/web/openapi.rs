//! The description of the REST interface (OpenAPI 3.1).

use crate::filter::{Field, field};
use serde_json::{Value, json};

/// A parameter of a query.
fn parameter(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
}

fn filter() -> Value {
    let description =
        format!("Which letters, such as `state=open code=timeout host=*.example age>1h`:{}", field::help());
    parameter("where", &description, json!({ "type": "string" }))
}

fn limit() -> Value {
    parameter(
        "limit",
        "At most so many",
        json!({ "type": "integer", "minimum": 0, "maximum": 1000, "default": 100 }),
    )
}

/// An answer with JSON of one of the schemas below.
fn answers(status: &str, description: &str, schema: &str) -> Value {
    let content = |schema: &str| json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } });
    json!({
        status: { "description": description, "content": content(schema) },
        "400": { "description": "Something asked for is not understood", "content": content("Error") },
        "401": { "description": "The bearer token is missing", "content": content("Error") },
        "403": { "description": "Sent by a page of another site, or not to this machine's own name", "content": content("Error") },
        "404": { "description": "There is no such thing", "content": content("Error") },
        "503": { "description": "The ledger can't be asked", "content": content("Error") },
    })
}

fn in_path(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "description": description, "schema": { "type": "string" } })
}

fn body(schema: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}

/// All of it.
pub(super) fn description() -> Value {
    let groups: Vec<_> = Field::of_groups().map(|field| field.name).collect();
    let sorts: Vec<String> =
        Field::ALL.iter().flat_map(|field| [field.name.to_owned(), format!("-{}", field.name)]).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Trawl: dead letters",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Why messages were given up, and sending them again.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{}, { "token": [] }],
        "paths": {
            "/api/v1/letters": { "get": {
                "operationId": "listLetters", "summary": "Letters of a filter",
                "parameters": [
                    filter(), limit(),
                    parameter("sort", "By which field; - puts the greatest first", json!({ "type": "string", "enum": sorts, "default": "-died" })),
                    parameter("offset", "How many are skipped", json!({ "type": "integer", "minimum": 0, "default": 0 })),
                ],
                "responses": answers("200", "The letters, and how many there are in all", "Letters"),
            } },
            "/api/v1/letters/{id}": { "get": {
                "operationId": "getLetter", "summary": "All that is known of one letter, byte for byte: a line of `export`",
                "parameters": [in_path("id", "The letter's id, or the first digits of it")],
                "responses": answers("200", "The letter", "Letter"),
            } },
            "/api/v1/groups": { "get": {
                "operationId": "countLetters", "summary": "Letters counted by what they have in common",
                "parameters": [
                    filter(), limit(),
                    parameter("by", &format!("Fields, with commas between: {}", groups.join(", ")), json!({ "type": "string", "default": "code" })),
                ],
                "responses": answers("200", "The groups, the largest first", "Groups"),
            } },
            "/api/v1/stats": { "get": {
                "operationId": "getStats", "summary": "The ledger at a glance",
                "parameters": [filter(), limit()],
                "responses": answers("200", "Counts", "Stats"),
            } },
            "/api/v1/replays": {
                "get": {
                    "operationId": "listReplays", "summary": "The latest replays that were started here",
                    "responses": answers("200", "The runs, the last one first", "Runs"),
                },
                "post": {
                    "operationId": "startReplay", "summary": "Send letters again; with `dry_run`, only count them",
                    "requestBody": body("Replay"),
                    "responses": { "200": answers("200", "How many there are", "Count")["200"], "202": answers("202", "The run has begun", "Count")["202"], "400": answers("200", "", "Count")["400"] },
                },
            },
            "/api/v1/replays/{run}": {
                "get": {
                    "operationId": "getReplay", "summary": "How a run goes",
                    "parameters": [in_path("run", "Its number")],
                    "responses": answers("200", "The run", "Run"),
                },
                "delete": {
                    "operationId": "stopReplay", "summary": "Stop a run; what was sent stays sent",
                    "parameters": [in_path("run", "Its number")],
                    "responses": { "204": { "description": "It stops" }, "404": answers("200", "", "Run")["404"] },
                },
            },
            "/api/v1/discards": { "post": {
                "operationId": "discardLetters", "summary": "Be done with letters; with `dry_run`, only count them",
                "requestBody": body("Discard"),
                "responses": answers("200", "How many were discarded, or would be", "Count"),
            } },
        },
        "components": { "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } }, "schemas": schemas() },
    })
}

fn schemas() -> Value {
    let text = || json!({ "type": "string" });
    let maybe = || json!({ "type": ["string", "null"] });
    let time = || json!({ "type": "string", "format": "date-time" });
    let number = || json!({ "type": "integer", "minimum": 0 });
    let list =
        |of: &str| json!({ "type": "array", "items": { "$ref": format!("#/components/schemas/{of}") } });
    let bytes = json!({ "description": "A string where the bytes are UTF-8", "oneOf": [text(), { "type": "object", "properties": { "hex": text() }, "required": ["hex"] }] });
    let chosen = json!({
        "ids": { "type": "array", "items": text(), "description": "Letters by id, or" },
        "where": { "type": "string", "description": "those of a filter; open ones, unless it says otherwise" },
        "dry_run": { "type": "boolean", "default": false },
        "by": { "type": "string", "description": "Who does it, for the history" },
    });
    let with = |more: Value| {
        let mut properties = chosen.clone();
        if let (Some(all), Value::Object(more)) = (properties.as_object_mut(), more) {
            all.extend(more);
        }
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    };
    let summary = json!({
        "type": "object",
        "required": ["id", "state", "replays", "service", "code", "class", "error", "attempts", "died_at"],
        "properties": {
            "id": text(), "message": text(), "group": text(), "state": { "type": "string", "enum": ["open", "replayed", "resolved", "discarded"] },
            "replays": number(), "job": maybe(), "task": maybe(), "url": maybe(), "host": maybe(), "kind": maybe(),
            "causation": maybe(), "trace": maybe(), "topic": text(), "service": text(), "instance": text(), "version": text(),
            "stage": text(), "code": text(), "class": text(), "error": text(), "attempts": number(),
            "first_died_at": time(), "died_at": time(), "changed_at": time(), "changed_by": text(), "remark": maybe(),
        },
    });
    json!({
        "Error": { "type": "object", "required": ["error"], "properties": { "error": text() } },
        "Summary": summary,
        "Letters": { "type": "object", "required": ["total", "letters"], "properties": { "total": number(), "letters": list("Summary") } },
        "Letter": { "allOf": [{ "$ref": "#/components/schemas/Summary" }, { "type": "object", "properties": {
            "deaths": { "type": "array", "items": { "type": "object" } },
            "events": { "type": "array", "items": { "type": "object", "properties": { "at": time(), "state": text(), "by": text(), "remark": maybe(), "replays": number() } } },
            "key": { "oneOf": [bytes.clone(), { "type": "null" }] },
            "headers": { "type": "array", "items": { "type": "array", "prefixItems": [text(), bytes.clone()] } },
            "payload": bytes,
        } }] },
        "Groups": { "type": "object", "properties": { "groups": { "type": "array", "items": { "type": "object", "properties": { "letters": number(), "oldest": time(), "newest": time() } } } } },
        "Stats": { "type": "object", "properties": { "states": { "type": "object", "additionalProperties": number() }, "oldest_open": { "type": ["string", "null"], "format": "date-time" } } },
        "Count": { "type": "object", "required": ["letters"], "properties": { "letters": number(), "run": number() } },
        "Replay": with(json!({ "rate": { "type": "string", "default": "20/s", "examples": ["10/s", "300/m"] }, "after": { "type": "string", "default": "0s", "examples": ["10m"] } })),
        "Discard": with(json!({ "reason": { "type": "string", "description": "Why; required unless `dry_run`" } })),
        "Run": { "type": "object", "properties": {
            "run": number(), "letters": text(), "by": text(), "began": time(), "chosen": number(),
            "outcome": { "type": "string", "enum": ["running", "sent", "storm", "stopped"] },
            "sent": number(), "resolved": number(), "back": number(), "error": maybe(),
        } },
        "Runs": list("Run"),
    })
}
