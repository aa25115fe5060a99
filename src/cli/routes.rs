//! `airgate routes`: what is matched, and what answers.

use clap::Args;
use serde::Deserialize;

use super::admin::{AdminApi, Call};
use super::print;
use super::table::{Column, Table};

#[derive(Args)]
pub(super) struct Routes {
    #[command(flatten)]
    api: AdminApi,
}

impl Routes {
    pub fn run(self) -> u8 {
        self.api.run(async |client| {
            let answer = client.send(Call::get("/v1/routes")).await?;
            self.api.show(&answer, || {
                let routes: Vec<Route> = client.read_as(&answer)?;
                Ok(print::table(&table(&routes)))
            })
        })
    }
}

/// As the admin API shows it.
#[derive(Deserialize)]
struct Route {
    name: String,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    methods: Vec<String>,
    /// One of the two.
    path: Option<String>,
    prefix: Option<String>,
    target: serde_json::Map<String, serde_json::Value>,
}

fn table(routes: &[Route]) -> Table {
    let mut table = Table::new(&[
        Column::Left("NAME"),
        Column::Left("HOSTS"),
        Column::Left("METHODS"),
        Column::Left("PATH"),
        Column::Left("TARGET"),
    ]);
    for route in routes {
        table.push([
            (&route.name).into(),
            any(&route.hosts).into(),
            any(&route.methods).into(),
            path(route).into(),
            target(route).into(),
        ]);
    }
    table
}

fn any(of: &[String]) -> String {
    match of.is_empty() {
        true => "any".into(),
        false => of.join(","),
    }
}

fn path(route: &Route) -> String {
    match (&route.path, &route.prefix) {
        (Some(path), _) => path.clone(),
        // `/api` stands for `/api` and everything under `/api/`.
        (None, Some(prefix)) => format!("{}/*", prefix.trim_end_matches('/')),
        (None, None) => String::new(),
    }
}

fn target(route: &Route) -> String {
    let mut target = route.target.iter();
    let Some((kind, value)) = target.next() else {
        return String::new();
    };
    match value.as_str() {
        Some(text) => format!("{kind} {text}"),
        None => format!("{kind} {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_stand_in_a_table() {
        let routes: Vec<Route> = serde_json::from_str(
            r#"[{"name":"cart","hosts":["shop.example.com","*.example.com"],"prefix":"/api",
                 "methods":[],"target":{"component":"cart"}},
                {"name":"all","hosts":[],"prefix":"/","methods":["GET","POST"],
                 "target":{"files":"public"}},
                {"name":"old","hosts":[],"path":"/old/{id}","methods":["GET"],
                 "target":{"respond":410}}]"#,
        )
        .unwrap();
        let expected = "\
NAME  HOSTS                           METHODS   PATH       TARGET
cart  shop.example.com,*.example.com  any       /api/*     component cart
all   any                             GET,POST  /*         files public
old   any                             GET       /old/{id}  respond 410
";
        assert_eq!(table(&routes).render(false), expected);
    }
}
