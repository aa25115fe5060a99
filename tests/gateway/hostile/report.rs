//! What a guest tells of its attempts, a line each: `<attempt>: <outcome>`.

pub struct Report(Vec<(String, String)>);

impl Report {
    pub fn new(text: &str) -> Self {
        let line = |line: &str| {
            let (attempt, outcome) = line.split_once(": ").unwrap_or((line, ""));
            (attempt.to_owned(), outcome.to_owned())
        };
        Self(text.lines().map(line).collect())
    }

    /// What came of an attempt, which must have been made.
    pub fn outcome(&self, attempt: &str) -> &str {
        let found = self.0.iter().find(|(name, _)| name == attempt);
        let (_, outcome) = found.unwrap_or_else(|| panic!("no `{attempt}` in {self}"));
        outcome
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, outcome)| (&**name, &**outcome))
    }

    /// The attempts whose outcome begins with this.
    pub fn with(&self, beginning: &str) -> Vec<&str> {
        let all = self.iter().filter(|(_, it)| it.starts_with(beginning));
        all.map(|(name, _)| name).collect()
    }

    /// The attempts that succeeded.
    pub fn successes(&self) -> Vec<&str> {
        let all = self.iter();
        let succeeded = all.filter(|(_, it)| *it == "ok" || it.starts_with("ok "));
        succeeded.map(|(name, _)| name).collect()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.iter()
            .try_for_each(|(name, outcome)| writeln!(f, "{name}: {outcome}"))
    }
}
