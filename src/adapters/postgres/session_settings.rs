use tokio_postgres::Config;

/// The same configuration, with server settings from the first statement on. They travel with the connection's start, so
/// that no session of ours ever runs without them; settings of the URL stay, unless ours name the same.
pub(super) fn with_settings(config: &Config, settings: &[(&str, &str)]) -> Config {
    let ours = settings.iter().map(|(name, value)| format!("-c {name}={value}"));
    let all: Vec<String> = config.get_options().map(str::to_owned).into_iter().chain(ours).collect();
    let mut config = config.clone();
    config.options(all.join(" "));
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_url_come_first_so_that_ours_win() {
        let config: Config = "postgres://me@db/x?options=-c%20work_mem%3D8MB".parse().unwrap();
        let config = with_settings(&config, &[("jit", "off"), ("statement_timeout", "8000")]);
        assert_eq!(config.get_options(), Some("-c work_mem=8MB -c jit=off -c statement_timeout=8000"));
    }
}
