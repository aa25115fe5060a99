//! `[[admin.tokens]]`: no two are alike, and none may be left out silently.

use std::collections::HashMap;

use crate::config::model::{NamedToken, Token};
use crate::config::raw::{RawAdmin, RawConfig, RawNamedToken};
use crate::config::read::{At, List, Place, Problems};
use crate::config::text::{Elsewhere, NamedTokens};

use super::{Surroundings, admin, elsewhere};

/// Where the tokens are, that of `[admin] token` too.
pub(super) fn sources(raw: &RawConfig) -> impl Iterator<Item = &Elsewhere> {
    let admin = raw.admin.value();
    let own = admin.and_then(|admin| admin.token.value());
    let others = admin.and_then(|admin| admin.tokens.value());
    let others = others.into_iter().flat_map(|all| &all.0);
    let others = others.filter_map(|named| named.token.value());
    own.into_iter().chain(others).map(|source| &source.0)
}

/// `own` is that of `[admin] token`.
pub(super) fn tokens(
    raw: &RawAdmin,
    own: Option<&Token>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Vec<NamedToken> {
    let Some(NamedTokens(list)) = raw.tokens.value() else {
        return Vec::new();
    };
    refuse_double_names(list, problems);
    let mut taken = Vec::new();
    if let (Some(own), Some(given)) = (own, raw.token.given()) {
        taken.push((own.clone(), &given.place));
    }
    let each = list.iter().filter_map(|raw| {
        let source = &raw.token.given()?.value.0;
        let token = token(source, around, problems)?;
        refuse_equal(&token, place(source), &taken, problems);
        taken.push((token.clone(), place(source)));
        named(raw, token)
    });
    each.collect()
}

fn named(raw: &RawNamedToken, token: Token) -> Option<NamedToken> {
    Some(NamedToken {
        name: raw.name.value()?.0.clone(),
        role: *raw.role.value()?,
        token,
    })
}

fn token(
    source: &Elsewhere,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<Token> {
    let text = elsewhere::text(source, around, problems)?;
    admin::token(&text, place(source), problems)
}

fn place(source: &Elsewhere) -> &Place {
    match source {
        Elsewhere::Variable(name) => &name.place,
        Elsewhere::File(path) => &path.place,
    }
}

fn refuse_double_names(list: &List<RawNamedToken>, problems: &mut Problems<'_>) {
    let mut first: HashMap<String, &Place> = HashMap::new();
    for At { value: name, place } in list.iter().filter_map(|raw| raw.name.given()) {
        if let Some(known) = first.get(&name.0.to_ascii_lowercase()) {
            let line = problems.line(known);
            let message = format!("token {:?} is there twice, first on line {line}", name.0);
            problems
                .error(place, message)
                .related(&known.span, "first named here");
        } else {
            first.insert(name.0.to_ascii_lowercase(), place);
        }
    }
}

/// Who has it would be two, with the rights of both.
fn refuse_equal(
    token: &Token,
    place: &Place,
    taken: &[(Token, &Place)],
    problems: &mut Problems<'_>,
) {
    let Some((_, first)) = taken.iter().find(|(known, _)| known == token) else {
        return;
    };
    let line = problems.line(first);
    problems
        .error(place, format!("this is the token of line {line} too"))
        .help("nobody could tell who has it: give each a token of its own")
        .related(&first.span, "the same token");
}
