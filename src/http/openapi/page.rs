use std::fmt::Write;

use serde_json::{Map, Value};

const STYLE: &str = include_str!("page.css");

/// Stands in the page where its examples name the daemon's address: that is known once somebody asks.
pub const ADDRESS: &str = "{address}";

/// The document as a page of HTML that needs nothing but itself; [`ADDRESS`] is to be filled in.
#[must_use]
pub fn page(document: &Value) -> String {
    let mut html = String::new();
    let info = &document["info"];
    let title = format!("{} {}", text(&info["title"]), text(&info["version"]));
    put(
        &mut html,
        format_args!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>",
            escaped(&title)
        ),
    );
    put(
        &mut html,
        format_args!("<meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>"),
    );
    put(&mut html, format_args!("<h1>{}</h1>{}", escaped(&title), prose(text(&info["description"]))));
    html.push_str("<p>For programs: <a href=\"/openapi.json\">/openapi.json</a></p>");
    for tag in document["tags"].as_array().into_iter().flatten() {
        put(&mut html, format_args!("<h2>{}</h2>", escaped(text(&tag["name"]))));
        for (path, methods) in members(&document["paths"]) {
            for (method, operation) in members(methods) {
                if operation["tags"][0] == tag["name"] {
                    describe(&mut html, path, method, operation);
                }
            }
        }
    }
    html.push_str("<h2>Shapes</h2>");
    for (name, schema) in members(&document["components"]["schemas"]) {
        let id = escaped(name);
        put(
            &mut html,
            format_args!("<details id=\"{id}\"><summary>{id}</summary><pre>{}</pre></details>", pretty(schema)),
        );
    }
    html.push_str("</body></html>\n");
    html
}

fn describe(html: &mut String, path: &str, method: &str, operation: &Value) {
    let (method, id) = (method.to_ascii_uppercase(), escaped(text(&operation["operationId"])));
    put(html, format_args!("<details id=\"{id}\"><summary><b>{method}</b> <code>{}</code> ", escaped(path)));
    put(
        html,
        format_args!("{}</summary>{}", escaped(text(&operation["summary"])), prose(text(&operation["description"]))),
    );
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        html.push_str("<table><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr>");
        for parameter in parameters {
            let needed = if parameter["required"] == true { " (required)" } else { "" };
            put(html, format_args!("<tr><td><code>{}</code>{needed}</td>", escaped(text(&parameter["name"]))));
            put(html, format_args!("<td>{}</td>", escaped(text(&parameter["in"]))));
            put(html, format_args!("<td>{}</td></tr>", escaped(text(&parameter["description"]))));
        }
        html.push_str("</table>");
    }
    let content = &operation["requestBody"]["content"]["application/json"];
    for shape in content["schema"]["oneOf"].as_array().into_iter().flatten() {
        put(html, format_args!("<details><summary><code>{}</code> ", escaped(text(&shape["title"]))));
        put(html, format_args!("{}</summary>{}</details>", escaped(text(&shape["description"])), properties(shape)));
    }
    answers(html, operation);
    let examples = commands(path, &method, parameters, &content["examples"]);
    if !examples.is_empty() {
        put(html, format_args!("<h3>Examples</h3><pre>{}</pre>", escaped(&examples.join("\n"))));
    }
    html.push_str("</details>");
}

fn properties(shape: &Value) -> String {
    let mut html = "<table><tr><th>Property</th><th>Meaning</th></tr>".to_owned();
    let required = shape["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (name, property) in members(&shape["properties"]).filter(|(name, _)| *name != "type") {
        let needed = if required.iter().any(|one| one == name) { " (required)" } else { "" };
        put(&mut html, format_args!("<tr><td><code>{}</code>{needed}</td>", escaped(name)));
        put(&mut html, format_args!("<td>{}</td></tr>", escaped(text(&property["description"]))));
    }
    html + "</table>"
}

fn answers(html: &mut String, operation: &Value) {
    html.push_str("<table><tr><th>Answer</th><th>Meaning</th></tr>");
    for (status, answer) in members(&operation["responses"]) {
        put(html, format_args!("<tr><td>{status}</td><td>{}", prose(text(&answer["description"]))));
        for (media_type, content) in members(&answer["content"]) {
            put(html, format_args!("<code>{}</code>{}", escaped(media_type), link(&content["schema"])));
        }
        html.push_str("</td></tr>");
    }
    html.push_str("</table>");
}

/// The way to a shape with a name of its own.
fn link(schema: &Value) -> String {
    let (prefix, reference) = match (&schema["$ref"], &schema["items"]["$ref"], &schema["allOf"][0]["$ref"]) {
        (Value::String(one), _, _) | (_, _, Value::String(one)) => ("", one),
        (_, Value::String(each), _) => ("list of ", each),
        (_, _, _) => return String::new(),
    };
    let name = escaped(reference.rsplit('/').next().unwrap_or_default());
    format!(": {prefix}<a href=\"#{name}\">{name}</a>")
}

/// The examples as commands, in order.
fn commands(path: &str, method: &str, parameters: &[Value], bodies: &Value) -> Vec<String> {
    let mut names: Vec<&str> = members(bodies).map(|(name, _)| name.as_str()).collect();
    names
        .extend(parameters.iter().flat_map(|parameter| members(&parameter["examples"])).map(|(name, _)| name.as_str()));
    names.sort_unstable();
    names.dedup();
    let command = |name: &str| {
        let mut target = path.to_owned();
        let mut query = Vec::new();
        for parameter in parameters {
            let value = &parameter["examples"][name]["value"];
            if value.is_null() {
                continue;
            }
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (name, value) = (text(&parameter["name"]), value.replace('#', "%23"));
            match text(&parameter["in"]) {
                "path" => target = target.replace(&format!("{{{name}}}"), &value),
                "query" => query.push(format!("{name}={value}")),
                _ => {}
            }
        }
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let body = &bodies[name]["value"];
        if body.is_null() {
            return format!("curl '{ADDRESS}{target}{query}'");
        }
        let body = body.to_string().replace('\'', "'\\''");
        format!("curl -X {method} '{ADDRESS}{target}{query}' -d '{body}'")
    };
    names.into_iter().map(command).collect()
}

/// The members of an object, by name; none of anything else.
fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn pretty(value: &Value) -> String {
    escaped(&serde_json::to_string_pretty(value).unwrap_or_default())
}

/// Paragraphs, and what stands between backticks as code.
fn prose(text: &str) -> String {
    let paragraph = |text: &str| {
        let parts = escaped(text);
        let parts = parts.split('`').enumerate();
        parts
            .map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() })
            .collect::<String>()
    };
    text.split("\n\n").filter(|part| !part.is_empty()).map(|part| format!("<p>{}</p>", paragraph(part))).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn put(html: &mut String, arguments: std::fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = html.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::document;
    use serde_json::json;

    #[test]
    fn everything_is_on_the_page_and_nothing_is_loaded() {
        let (document, html) = (document(), page(document()));
        for (path, _) in members(&document["paths"]) {
            assert!(html.contains(&format!("<code>{path}</code>")), "{path}");
        }
        for (name, _) in members(&document["components"]["schemas"]) {
            assert!(html.contains(&format!("id=\"{name}\"")), "{name}");
        }
        for loads in ["src=", "<script", "<link", "@import", "url(", "<iframe"] {
            assert!(!html.contains(loads), "{loads}");
        }
        let addresses = html.match_indices("href=\"").map(|(at, _)| &html[at + 6..at + 7]);
        assert!(addresses.into_iter().all(|first| first == "#" || first == "/"));
    }

    #[test]
    fn examples_are_commands() {
        let parameters = json!([
            { "name": "id", "in": "path", "examples": { "one": { "value": 7 } } },
            { "name": "q", "in": "query", "examples": { "one": { "value": "a#b" } } },
        ]);
        let got = commands("/x/{id}", "GET", parameters.as_array().unwrap(), &Value::Null);
        assert_eq!(got, ["curl '{address}/x/7?q=a%23b'"]);
        let posted = commands("/x", "POST", &[], &json!({ "one": { "value": { "a": 1 } } }));
        assert_eq!(posted, ["curl -X POST '{address}/x' -d '{\"a\":1}'"]);
    }

    #[test]
    fn text_is_never_markup() {
        assert_eq!(prose("a <b> `c`\n\nd"), "<p>a &lt;b&gt; <code>c</code></p><p>d</p>");
    }
}
