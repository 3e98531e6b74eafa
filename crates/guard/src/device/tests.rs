use crate::finding::Kind;
use crate::layer::run;
use crate::policy::{Action, Policy};

fn found(text: &str) -> Vec<(&str, &'static str)> {
    let all = run(text, Policy::all(Action::Warn)).findings;
    all.into_iter()
        .filter(|f| f.kind == Kind::Device)
        .map(|f| (&text[f.span], f.detector))
        .collect()
}

#[test]
fn addresses_and_numbers_of_devices_are_found_in_sentences() {
    for (text, value, detector) in [
        ("from 203.0.113.77, twice", "203.0.113.77", "ip-v4"),
        ("http://198.51.100.23:8080/x", "198.51.100.23", "ip-v4"),
        ("ping 8.8.8.8", "8.8.8.8", "ip-v4"),
        ("see https://198.51.100.23/x", "198.51.100.23", "ip-v4"),
        ("GET /host/198.51.100.23", "198.51.100.23", "ip-v4"),
        ("allow 10.20.0.0/16", "10.20.0.0", "ip-v4"),
        ("server 13.0.1.0", "13.0.1.0", "ip-v4"),
        ("from 203.0.113.0", "203.0.113.0", "ip-v4"),
        ("host=172.16.254.1", "172.16.254.1", "ip-v4"),
        ("v6 2001:db8:85a3::8a2e:370:7334 is up", "2001:db8:85a3::8a2e:370:7334", "ip-v6"),
        ("ip:fe80::1ff:fe23:4567:890a", "fe80::1ff:fe23:4567:890a", "ip-v6"),
        ("MAC 00:1A:2b:3c:4D:5e.", "00:1A:2b:3c:4D:5e", "mac"),
        ("00-1a-2b-3c-4d-5e", "00-1a-2b-3c-4d-5e", "mac"),
        ("001a.2b3c.4d5e", "001a.2b3c.4d5e", "mac"),
        ("IMEI: 490154203237518", "490154203237518", "imei"),
        ("imei 49-015420-323751-8", "49-015420-323751-8", "imei"),
        ("the car 1HGCM82633A004352 is sold", "1HGCM82633A004352", "vin"),
        ("1M8GDM9AXKP042788", "1M8GDM9AXKP042788", "vin"),
    ] {
        assert_eq!(found(text), [(value, detector)], "{text}");
    }
}

#[test]
fn versions_times_hashes_and_order_numbers_are_left_alone() {
    for text in [
        "version 10.14.22.31",
        "1.2.3.4",
        "v1.22.333.44",
        "1.3.6.1.4.1.343",
        "127.0.0.1 and 0.0.0.0",
        "256.100.100.100",
        "at 10:20:30 or 10:20:30:40",
        "std::f32::consts",
        "::1",
        "f1::f2",
        "12:34:56:78:9a:bc:de:f0:12:34:56:78:9a:bc:de:f0",
        "00:00:00:00:00:00",
        "490154203237518",
        "imei 490154203237519",
        "5YJSA1E14HF999999X",
        "1HGCM82633A004353",
        "550e8400-e29b-41d4-a716-446655440000",
        "section 10.12.13.14",
        "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
        "client Edg/131.22.33.44",
        "Newtonsoft.Json 13.0.1.0",
    ] {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}
