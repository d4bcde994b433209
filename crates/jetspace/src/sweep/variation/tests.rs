//! Arguments as people write them, right and wrong.

use super::*;

fn values(argument: &str) -> Vec<Value> {
    Variation::parse(argument).unwrap().values(false).unwrap()
}

fn numbers(argument: &str) -> Vec<f64> {
    values(argument).iter().map(|value| value.as_float().unwrap()).collect()
}

/// What is said, and the part of the argument that is underlined.
fn mistake(argument: &str) -> (String, String) {
    let wrong = Variation::parse(argument).and_then(|variation| variation.values(false));
    match wrong.unwrap_err() {
        Error::Mistake(mistake) => {
            let place = mistake.place.clone().unwrap();
            assert!(!mistake.help.is_empty());
            (mistake.message.clone(), argument[place].to_owned())
        }
        other => panic!("{other}"),
    }
}

#[test]
fn lists_are_toml_values_and_texts() {
    let one_of_each = values("a=1, -2.5 ,tanh,[20, 20],true,\"a, b\",{ count = 3 }");
    let table: Value = toml::from_str("count = 3").unwrap();
    let expected = [
        Value::Integer(1),
        Value::Float(-2.5),
        Value::String("tanh".to_owned()),
        Value::Array(vec![Value::Integer(20); 2]),
        Value::Boolean(true),
        Value::String("a, b".to_owned()),
        table,
    ];
    assert_eq!(one_of_each, expected);
    assert_eq!(values("problem=../other.toml"), [Value::String("../other.toml".to_owned())]);
}

#[test]
fn ranges_have_equal_differences_or_ratios() {
    assert_eq!(numbers("a=0..1:lin:5"), [0.0, 0.25, 0.5, 0.75, 1.0]);
    assert_eq!(numbers("a=0.01..100:log:5"), [0.01, 0.1, 1.0, 10.0, 100.0]);
    assert_eq!(numbers("a=1e2..1e-2:log:3"), [100.0, 1.0, 0.01]);
    assert_eq!(numbers("a=1..10:log:3"), [1.0, 3.16228, 10.0]);
    assert_eq!(numbers("a=-1..1:lin:2"), [-1.0, 1.0]);
    let whole = Variation::parse("a=1..4:lin:8").unwrap().values(true).unwrap();
    assert_eq!(whole, [1, 2, 3, 4].map(Value::Integer), "each once");
}

#[test]
fn paths_are_keys_and_numbers() {
    let steps = |argument| -> Vec<String> {
        let variation = Variation::parse(argument).unwrap();
        variation.path().into_iter().map(str::to_owned).collect()
    };
    assert_eq!(steps("optimizer.0.rate=1"), ["optimizer", "0", "rate"]);
    assert_eq!(steps("method.outl+pinn.weights.x=1"), ["method", "outl+pinn", "weights", "x"]);
    assert_eq!(steps(" weights . \"u_x - data.u_x\" = 1"), ["weights", "u_x - data.u_x"]);
    assert_eq!(Variation::parse("weights.'a=b' = 1").unwrap().name(), "weights.'a=b'");
}

#[test]
fn mistakes_are_underlined() {
    for (argument, message, place) in [
        ("", "the name of an entry", ""),
        ("=1", "the name of an entry", "="),
        ("a..b=1", "the name of an entry", "."),
        ("weights.edges", "`=` and values", ""),
        ("'a=1", "a closing '", "'a=1"),
        ("a=", "expected a value, found none", ""),
        ("a=1,,2", "expected a value, found none", ""),
        ("a=1,2,1", "found 1 again", "1"),
        ("a=[20,20", "expected a TOML value", "[20,20"),
        ("a=0..1", "expected lin or log after the range", "0..1"),
        ("a=0..1:lim:3", "expected lin or log, found \"lim\"", "lim"),
        ("a=0..1:lin", "expected how many values", "0..1:lin"),
        ("a=0..1:lin:1", "expected 2 to", "1"),
        ("a=0..1:lin:x", "expected 2 to", "x"),
        ("a=0..1:lin:3,5", "expected 2 to", "3,5"),
        ("a=x..1:lin:3", "expected a number, found \"x\"", "x"),
        ("a=1..:lin:3", "expected a number, found \"\"", ""),
        ("a=0..inf:lin:3", "expected a number, found \"inf\"", "inf"),
        ("a=0..1:log:3", "expected ends above 0 of a logarithmic range, found 0", "0"),
        ("a=1..-1:log:3", "found -1", "-1"),
        ("a=2..2:lin:3", "two different ends", "2..2:lin:3"),
    ] {
        let (said, underlined) = mistake(argument);
        assert!(said.contains(message), "{argument}: {said}");
        assert_eq!(underlined, place, "{argument}");
    }
}

#[test]
fn samples_are_uniform_along_the_scale() {
    let mut stream = RandomStream::new(1, 0);
    let variation = Variation::parse("a=1e-4..1e4:log").unwrap();
    let mut below_one = 0;
    for _ in 0..1000 {
        let value = variation.draw(&mut stream, false).unwrap().as_float().unwrap();
        assert!((1e-4..=1e4).contains(&value));
        below_one += i32::from(value < 1.0);
    }
    // The standard deviation is 16.
    assert!((below_one - 500).abs() < 80, "{below_one}");
    let list = Variation::parse("a=x,y").unwrap();
    let drawn: Vec<Value> = (0..50).filter_map(|_| list.draw(&mut stream, false)).collect();
    assert!(drawn.len() == 50 && drawn.contains(&"x".into()) && drawn.contains(&"y".into()));
}
