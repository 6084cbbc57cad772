#![doc = "`#[derive(Layout)]` for crosspage."]
