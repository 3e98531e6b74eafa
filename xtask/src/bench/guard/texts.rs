//! What the guard reads in the bench: prose of four scripts, and texts made to be slow.

/// Prose, written for this bench; each is repeated to the length that is measured.
pub(super) const PROSE: &[(&str, &str)] =
    &[("English", ENGLISH), ("Hindi", HINDI), ("Chinese", CHINESE), ("Russian", RUSSIAN)];

const ENGLISH: &str = "The depot keeps its records in the order in which they were counted. An item \
may be returned within thirty days of delivery, and the customer pays the postage unless it arrived \
damaged. Questions are answered on working days between nine and five; on other days a machine says \
when somebody will be back. When a parcel is lost, the carrier is asked first, and only after a week \
is another one sent. The office in the harbour was rebuilt in 1998 and has 42 rooms, of which three \
are let to a school of navigation. Its windows face the water, so that in winter the light comes from \
below. Most of the staff have been there for longer than the building, and they say that the old one \
was warmer. A ferry leaves every twenty minutes, more often in summer. Whoever misses the last one \
sleeps at the inn, where the password for the network is written on the wall and nobody minds. In the \
evening the harbour master reads out the weather, which is wrong about as often as it is right, and \
the boats are made fast with two lines instead of one if the wind is expected to turn. ";

const HINDI: &str = "गोदाम अपने रिकॉर्ड उसी क्रम में रखता है जिसमें उन्हें गिना गया था। कोई भी सामान मिलने के तीस \
दिन के भीतर लौटाया जा सकता है, और डाक का खर्च ग्राहक देता है, जब तक कि वह टूटा हुआ न पहुँचा हो। प्रश्नों के उत्तर काम \
के दिनों में नौ से पाँच बजे के बीच दिए जाते हैं। जब कोई पार्सल खो जाता है तो पहले वाहक से पूछा जाता है, और एक सप्ताह बाद \
ही दूसरा भेजा जाता है। बंदरगाह का कार्यालय १९९८ में फिर से बनाया गया था और उसमें ४२ कमरे हैं। उसकी खिड़कियाँ पानी की ओर \
खुलती हैं, इसलिए सर्दियों में रोशनी नीचे से आती है। अधिकतर कर्मचारी इमारत से भी पुराने हैं और कहते हैं कि पुरानी इमारत \
अधिक गर्म थी। हर बीस मिनट में एक नाव चलती है, गर्मियों में और भी अधिक। ";

const CHINESE: &str = "仓库按照清点的先后顺序保存记录。商品可以在送达后三十天内退回，除非到货时已经损坏，否则邮费由顾客承担。\
工作日九点到五点之间有人回答问题，其他时间由机器告知何时有人回来。包裹丢失时，先询问承运人，一周之后才会再寄一件。港口的办公室\
在1998年重建，共有42个房间，其中三间租给了一所航海学校。窗户朝着水面，所以冬天的光线从下面照上来。大多数员工在这里工作的时间比这栋\
楼还长，他们说旧楼更暖和。渡船每二十分钟一班，夏天更多。错过末班船的人就住在客栈里，那里的人都很和气。傍晚，港务长会宣读天气预报，\
对的次数和错的次数差不多；如果预计风向会变，船就要系两根缆绳。";

const RUSSIAN: &str = "Склад хранит свои записи в том порядке, в котором они были пересчитаны. Товар можно \
вернуть в течение тридцати дней после доставки, и почтовые расходы оплачивает покупатель, если только он \
не прибыл повреждённым. На вопросы отвечают по рабочим дням с девяти до пяти; в остальное время автомат \
говорит, когда кто-нибудь вернётся. Если посылка потеряна, сначала спрашивают перевозчика, и лишь через \
неделю отправляют другую. Контора в порту была перестроена в 1998 году, в ней 42 комнаты, три из которых \
сданы мореходной школе. Её окна выходят на воду, поэтому зимой свет идёт снизу. Большинство сотрудников \
работают здесь дольше, чем стоит здание, и говорят, что старое было теплее. ";

/// What makes a detector start over, or nearly find something, again and again.
pub(super) const ADVERSARIAL: &[(&str, &str)] = &[
    ("labels", "a."),
    ("addresses cut short", "a@b."),
    ("cards cut short", "4111 1111 1111 111 "),
    ("one digit", "4 "),
    ("digits", "4929"),
    ("dots and digits", "10.0."),
    ("colons", "a1:"),
    ("brackets", "<"),
    ("placeholders cut short", "<CARD_1:"),
    ("zone", "P<UTO"),
    ("assignments", "password="),
    ("tokens", "token tokens "),
    ("prefixes", "sk-ant- ghp_ hf_ AKIA "),
    ("web tokens", "eyJhbGciOiJIUzI1NiJ9."),
    ("keys", "-----BEGIN PRIVATE KEY-----\n"),
    ("hexadecimal", "9f8e7d6c5b4a39281706f5e4d3c2b1a0 "),
    ("base64", "aWdub3JlIGFsbCBwcmV2aW91cw== "),
    ("digits of other scripts", "४१११ "),
    ("full width", "４１１１　"),
    ("invisible", "4\u{200b}1\u{200b}"),
    ("capitals", "AB 12 CD 34 "),
    ("URLs", "https://a:b/c?d=e&f=1 "),
];
