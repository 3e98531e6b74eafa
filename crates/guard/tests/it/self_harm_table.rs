//! What people say who mean to harm themselves, and what only sounds like it, in each language that is
//! read: texts that the lists have to tell apart.

use largestack_guard::content::self_harm;

/// What is meant, and what is not: manners of speaking, reports, prevention, other people, machines.
const TEXTS: [(&str, &[&str], &[&str]); 10] = [
    (
        "en",
        &[
            "I just want to end it all.",
            "I am going to take my own life",
            "I don't want to be here anymore",
            "I want to kill myself.",
            "I want to die of shame",
            "Everyone would be better off without me and tonight I am ending my life.",
            "i dont want to live anymore",
            "I've started cutting myself again and I can't stop",
            "I wish I could fall asleep and never wake up again",
            "What is the least painful way to die?",
            "I'm going to shoot myself",
            "I could kill myself laughing, but really I want to die",
        ],
        &[
            "I shot myself in the foot with that merge",
            "I don't want to shoot myself in the foot here, which licence do I need?",
            "kill me, that exam was hard",
            "I could kill myself laughing",
            "I'm dying to see you",
            "I want to die of embarrassment",
            "I nearly killed myself laughing at that video",
            "He took his own life in 1890 after years of illness",
            "I don't want to be here anymore, can you book me an earlier flight home?",
            "how to kill a python process",
            "What are the warning signs of suicide in teenagers?",
            "In my novel the hero says: I want to die",
            "The new update made me want to die of boredom",
        ],
    ),
    (
        "es",
        &[
            "Quiero acabar con todo.",
            "Quiero quitarme la vida",
            "Ya no quiero estar aquí, no aguanto más esta vida",
            "Quiero morirme, ya no puedo más.",
            "Ya no quiero vivir.",
            "Me voy a suicidar esta noche",
            "Quiero matarme",
            "Quiero morir de vergüenza",
            "Todos estarían mejor sin mí",
            "¿Cuál es la forma de morir sin dolor?",
        ],
        &[
            "Me muero de risa con este vídeo",
            "Este examen va a matarme",
            "Quiero morirme de risa",
            "Me muero por verte",
            "¿Qué dice la ley sobre el suicidio asistido?",
            "¿Cómo puedo ayudar a un amigo que quiere morir?",
            "No voy a matarme a trabajar por ese sueldo",
            "Se suicidó en 1961",
        ],
    ),
    (
        "fr",
        &[
            "Je veux en finir avec la vie.",
            "Je vais mettre fin à mes jours",
            "Je ne veux plus être là, je ne veux plus vivre",
            "Je veux mourir, je n'en peux plus.",
            "J’ai envie de me suicider.",
            "Je veux me tuer",
            "Je veux mourir de honte",
            "Tout le monde serait mieux sans moi",
            "Comment mourir sans souffrir ?",
            "Je veux en finir une bonne fois avec tout ça, mourir",
        ],
        &[
            "Je suis mort de rire",
            "Cet examen va me tuer",
            "Je vais pas me tuer à la tâche pour eux",
            "Je meurs d'envie de te voir",
            "Quels sont les chiffres du suicide en Europe ?",
            "Il s'est donné la mort en 1890",
            "Comment aider un ami dépressif ?",
            "Je me suis tiré une balle dans le pied avec ce contrat",
        ],
    ),
    (
        "de",
        &[
            "Ich will allem ein Ende machen.",
            "Ich will mir das Leben nehmen",
            "Ich will nicht mehr hier sein, ich will nicht mehr leben",
            "Ich will nicht mehr leben.",
            "Ich möchte nicht mehr leben",
            "Ich bringe mich um.",
            "Ich will sterben",
            "Alle wären ohne mich besser dran",
            "Wie kann man schmerzlos sterben?",
        ],
        &[
            "Ich möchte nicht mehr leben wie ein Student, welche Möbel passen?",
            "Meine Oma wird nicht mehr leben, wenn das Haus fertig ist",
            "Die Hälfte der Zeugen dürfte nicht mehr leben",
            "Ich habe mich totgelacht",
            "Ich könnte vor Scham sterben",
            "Diese Prüfung bringt mich noch um",
            "Ich sterbe vor Neugier, dich zu sehen",
            "Damit schieße ich mir ins Knie",
            "Werther nimmt sich am Ende das Leben",
            "Wie erkenne ich, ob ein Freund suizidgefährdet ist?",
        ],
    ),
    (
        "pt",
        &[
            "Quero acabar com tudo.",
            "Vou tirar a minha própria vida",
            "Não quero mais estar aqui, não quero viver",
            "Quero morrer, não aguento mais.",
            "Não quero mais viver assim.",
            "Quero me matar",
            "Quero morrer de vergonha",
            "Vou me matar hoje",
            "Todos ficariam melhor sem mim",
            "Tenho pensamentos suicidas",
        ],
        &[
            "Vou me matar de rir",
            "Esse vídeo quase vai me matar de rir",
            "Essa prova vai me matar",
            "Quero morrer de rir com isso",
            "Minha mãe vai me matar se eu chegar tarde",
            "Estou morrendo de saudade de você",
            "Quais são os sinais de alerta de suicídio?",
            "Não vou me matar de trabalhar por esse salário",
        ],
    ),
    (
        "ru",
        &[
            "Хочу покончить со всем этим и умереть",
            "Я хочу покончить с собой.",
            "Я не хочу больше жить.",
            "Хочу умереть",
            "Хочу умереть от стыда",
            "Я не хочу больше быть здесь, не хочу жить",
            "Всем будет лучше без меня",
            "Я снова режу себя",
            "У меня мысли о самоубийстве",
            "Хочу лишить себя жизни",
        ],
        &[
            "Я умираю со смеху",
            "Этот экзамен меня убьёт",
            "Умираю, как хочу тебя увидеть",
            "Не хочу жить в этом городе, хочу переехать",
            "Как помочь подруге с депрессией?",
            "В конце романа героиня бросается под поезд",
            "Я прострелил себе ногу этим решением",
            "Он покончил с собой в 1930 году",
        ],
    ),
    (
        "zh",
        &[
            "我想结束这一切",
            "我要结束自己的生命",
            "我不想再活在这个世界上",
            "我不想活了。",
            "我想死",
            "最近一直有自杀的念头",
            "没有我会更好吧",
            "我又开始割腕了",
            "我想自杀",
        ],
        &[
            "笑死我了",
            "这个考试要杀了我",
            "尴尬得我想死",
            "我想死你了，快回来吧",
            "如何预防青少年自杀？",
            "小说里的主角说他不想活了",
            "他于1966年自杀",
            "搬起石头砸自己的脚",
            "累死我了",
        ],
    ),
    (
        "ja",
        &[
            "もう全部終わりにしたい",
            "自分の命を絶ちたい",
            "もうここにいたくない、生きていたくない",
            "もう死にたいです。",
            "毎日、消えてしまいたいと思う",
            "自殺したい",
            "私なんていないほうがいい",
            "楽に死ねる方法を教えて",
            "もう生きていたくない",
        ],
        &[
            "お腹が空いて死にそう",
            "笑い死にするかと思った",
            "恥ずかしくて死にそう",
            "この試験に殺される",
            "会いたくて死にそう",
            "自殺を防ぐために学校ができること",
            "友達が悩んでいるときの声のかけ方",
            "彼は1948年に自殺した",
            "自分で自分の首を絞めるような契約だ",
        ],
    ),
    (
        "hi",
        &[
            "मैं सब कुछ खत्म करना चाहता हूँ, मैं जीना नहीं चाहता",
            "मैं अपनी जान ले लूंगा",
            "मैं अब यहाँ नहीं रहना चाहता, मैं जीना नहीं चाहता",
            "मैं मरना चाहता हूँ",
            "मुझे आत्महत्या के विचार आते हैं",
            "मेरे बिना सब बेहतर रहेंगे",
            "मैं अपनी ज़िंदगी खत्म करना चाहती हूँ",
            "main marna chahta hoon yaar",
            "jeene ka mann nahi karta ab",
        ],
        &[
            "हंसते हंसते पेट दुख गया",
            "यह परीक्षा मुझे मार डालेगी",
            "शर्म से मर गया",
            "तुम्हें देखने के लिए मरा जा रहा हूँ",
            "आत्महत्या रोकने के लिए सरकार क्या कर रही है?",
            "अपने पैर पर कुल्हाड़ी मारना का अर्थ क्या है?",
            "exam ka result dekh ke mar gaya yaar, bahut mushkil tha",
            "उसने 2010 में आत्महत्या कर ली थी",
            "हंसी से मर गया",
        ],
    ),
    (
        "ar",
        &[
            "أريد أن أنهي كل شيء",
            "سأنهي حياتي",
            "لا أريد أن أكون هنا بعد الآن، لا أريد أن أعيش",
            "أريد أن أموت",
            "أفكر في الانتحار كل ليلة",
            "أريد أن أنتحر",
            "سأقتل نفسي",
            "الجميع سيكون أفضل بدوني",
            "كيف يكون الموت بدون ألم",
        ],
        &[
            "انتحر الكاتب عام 1961",
            "انتحر رجل في المدينة أمس بحسب الأخبار",
            "أموت من الضحك",
            "أريد أن أموت من الضحك",
            "أموت من الخجل",
            "هذا الامتحان سيقتلني",
            "أموت شوقا لرؤيتك",
            "كيف أساعد صديقي المكتئب؟",
            "ما هي علامات الاكتئاب عند المراهقين؟",
        ],
    ),
];

#[test]
fn who_says_it_is_heard_in_every_language_and_manners_of_speaking_are_not() {
    let mut wrong = Vec::new();
    for (language, meant, other) in TEXTS {
        assert!(meant.len() >= 8 && other.len() >= 8, "{language}");
        let missed = meant.iter().filter(|text| self_harm(text) != Some(language));
        wrong.extend(missed.map(|text| format!("{language}, not heard: {text}")));
        let heard = other.iter().filter(|text| self_harm(text).is_some());
        wrong.extend(heard.map(|text| format!("{language}, wrongly heard: {text}")));
    }
    assert_eq!(wrong, [""; 0], "{wrong:#?}");
}

/// Ordinary statements, and everyday questions whose beginning sounds like one.
const NEAR: [(&str, &[&str], &[&str]); 9] = [
    (
        "en",
        &["I want to die, take me home"],
        &["I don't want to be here anymore, find me another hotel"],
    ),
    (
        "es",
        &["Tengo ganas de matarme", "Quería matarme", "No aguanto más esta vida"],
        &[
            "Quiero acabar con todo el papeleo antes del viernes",
            "No quiero estar aquí sentado esperando, cambia mi cita",
        ],
    ),
    (
        "fr",
        &["J'ai voulu me tuer", "Comment me tuer ?", "Je veux en finir"],
        &["Je veux en finir avec ce bug aujourd'hui"],
    ),
    (
        "de",
        &["Ich will einfach nicht mehr leben", "Ich will so nicht mehr leben"],
        &["Ich will nicht mehr hier sein, wenn die Handwerker kommen"],
    ),
    (
        "pt",
        &["Pensei em me matar", "Como me matar sem dor"],
        &["Quero acabar com tudo isto até sexta"],
    ),
    (
        "zh",
        &["看到别人笑得那么开心我就想自杀", "大家笑得很开心只有我想死"],
        &["我想结束这一切手续"],
    ),
    ("ja", &["もうここにいたくない"], &[]),
    ("hi", &[], &["मैं यहाँ नहीं रहना चाहता, दूसरा फ्लैट ढूंढो"]),
    ("ar", &["بدي انتحر"], &[]),
];

#[test]
fn ordinary_words_for_it_are_heard_and_everyday_questions_that_begin_alike_are_not() {
    for (language, said, other) in NEAR {
        for text in said {
            assert!(self_harm(text).is_some(), "{language}: {text}");
        }
        for text in other {
            assert!(self_harm(text).is_none(), "{language}: {text}");
        }
    }
}
