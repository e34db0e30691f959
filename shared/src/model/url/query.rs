//! Query strings as lists of parameters.

/// Whether a parameter's name is in a list: case does not matter, and `*` at the end of an entry stands
/// for anything.
pub(super) fn is_listed(name: &str, list: &[String]) -> bool {
    list.iter().any(|entry| match entry.strip_suffix('*') {
        Some(start) => name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start)),
        None => name.eq_ignore_ascii_case(entry),
    })
}

fn name(parameter: &str) -> &str {
    parameter.split_once('=').map_or(parameter, |(name, _)| name)
}

/// The query without the listed parameters. `None` where nothing changes.
pub(super) fn without(query: &str, list: &[String]) -> Option<String> {
    if list.is_empty() || !query.split('&').any(|parameter| is_listed(name(parameter), list)) {
        return None;
    }
    let kept: Vec<&str> = query.split('&').filter(|parameter| !is_listed(name(parameter), list)).collect();
    Some(kept.join("&"))
}

/// The query with its parameters in the order of their names, those of one name as they stood, and
/// without parameters that have no name. `None` where nothing changes.
pub(super) fn sorted(query: &str) -> Option<String> {
    let mut parameters: Vec<&str> =
        query.split('&').filter(|parameter| !name(parameter).is_empty()).collect();
    parameters.sort_by_key(|parameter| name(parameter));
    let sorted = parameters.join("&");
    (sorted != query).then_some(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_parameters_go() {
        let list = ["utm_*".to_owned(), "sid".to_owned()];
        assert_eq!(without("a=1&UTM_source=x&sid&b", &list), Some("a=1&b".to_owned()));
        assert_eq!(without("sid=1", &list), Some(String::new()));
        assert_eq!(without("a&utm=1&side=2", &list), None);
        assert_eq!(without("é=1", &list), None, "no character is cut");
    }

    #[test]
    fn order_is_by_name_only() {
        assert_eq!(sorted("b=1&a=2&a=1&"), Some("a=2&a=1&b=1".to_owned()));
        assert_eq!(sorted("&=1&a=1"), Some("a=1".to_owned()));
        assert_eq!(sorted("a&b=1"), None);
    }
}
