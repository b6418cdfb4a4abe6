//! Which first names are said for each other.
//!
//! Our own table of what is common in English; a line is a name and what people who bear it are called. A name may stand
//! in several lines: Chris is Christopher and Christine, but that does not make these two the same.

/// A line each: the name first, then its short forms and other spellings.
const TABLE: &str = "
aaron erin ron
abigail abby abbie gail abbey
abraham abe bram
adelaide addie della heidi
adele addie della
adrian ade
agnes aggie nessa
alan allan allen al
albert al bert bertie
alexander alex al alec alick sandy xander sasha lex
alexandra alex sandra sandy lexi lexie alexa sasha
alfred alf alfie fred al
alice allie ali alyce
alicia ali allie lisha
alison allison ali allie ally
alistair alasdair al alastair
alvin al
amanda mandy manda amy
amelia amy millie milly emily
andrea andie andy
andrew andy drew andi
angela angie ange
angelina angie lina
anita nita
ann anne anna annie nan nancy
annabel annabelle anna bella belle annie
annette annie nettie
anthony tony antony ant toni
antoinette toni nettie netta
antonia toni
archibald archie
arlene lena
arnold arnie
arthur art artie
ashley ash
audrey audie
augustus gus augie august
barbara barb barbie babs barbra bobbie
bartholomew bart
beatrice bea bee beatrix trixie
belinda bel linda bell
benedict ben
benjamin ben benny benji benjy
bernadette bernie detta
bernard bernie barney
bernadine bernie
bertha bertie
bertram bert bertie
bethany beth
beverley beverly bev
bonita bonnie
bradford brad
bradley brad
brandon brand
brenda bren
brendan bren
brian bryan
bridget bridie biddy brigid
bronwyn bron
calvin cal
cameron cam
camilla cam millie milly
candace candy candice
carl karl
carla carly
carmen carm
caroline carolyn carrie carol caro lynn
carol carole carrie carolyn
cassandra cass cassie sandra
catherine katherine kathryn catharine katharine cathryn kate katie kathy cathy kit kitty kat cat cath kath katy kay kathleen catie trina
cecilia cece cissy celia
cecil cec
charles charlie chuck charley chas chaz chip
charlotte charlie lottie lotte char
chelsea chels
cheryl cher sheryl
chester chet
christian chris christy
christina chris tina chrissy christy chrissie kristina christine tina kristin
christine chris chrissy tina christy chrissie kristine kris christina
christopher chris kit topher christy kris kester
cindy cynthia
clarence clare
clara clare claire clarissa
clarissa clara clare
clayton clay
clement clem
clementine clem
clifford cliff
clifton cliff
clinton clint
conrad con
constance connie
cordelia delia
corinne cora cory
cornelius neil con
courtney court
curtis curt
cynthia cindy cyndi cyn
cyril cy
daisy margaret
dale dal
daniel dan danny danial
danielle dani danny
daphne daph
darlene lena
darrell darryl daryl
david dave davy davey davie
dawn dawnie
dean deano
deborah debbie deb debra debby debora
delores dolores lola dee
denise dee denny
dennis denis denny den
derek derrick
desmond des
diana di diane dianne
diane dianne di diana
dominic dom nick dominick
dolores lola dolly dee
dona donna
donald don donny donnie
dora theodora dorothy
doreen dor reenie
dorothy dot dottie dolly dora dorothea thea
douglas doug dougie
duncan dunc
dustin dusty
dwight ike
edgar ed eddie
edith edie
edmund ed eddie ted ned
edna eddie
edward ed eddie ted teddy ned eddy
edwin ed eddie ned
edwina eddie winnie
eileen aileen ilene
elaine lainie lena ellie
eleanor eleanore elinor ellie nell nellie nora ella lena leonora elena
elena ellen lena helena ellie
eli elias
elijah eli
elizabeth elisabeth liz lizzie beth betty bess bessie betsy eliza elsie libby lisa liza lizzy bette bettie lilibet
ella ellie
ellen ellie nell nellie helen
elliott elliot
elmer el
eloise ellie lois
elsie elspeth
elvira elvie
emily em emmy millie milly emma emilie
emma em emmy
emmanuel manny immanuel
eric rick ricky erik
erica ricky rikki erika
ernest ernie
ernestine tina ernie
esther essie hester
ethel effie
eugene gene
eugenia gena gina jenny
eunice una
evelyn eve evie
ezekiel zeke
felicia lisha
felicity flick fliss
fiona fi
florence flo florrie flossie
frances fran franny frankie fanny francie francesca
francesca fran frankie cesca
francis frank fran frankie
francine fran francie
franklin frank
frederick fred freddie freddy frederic fritz
frederica freda freddie
gabriel gabe
gabrielle gabby gaby gabi
gareth gary gaz
gary gaz garry
gavin gav
geoffrey jeffrey geoff jeff jeffery
george georgie
georgina georgie gina georgia
georgia georgie
gerald gerry jerry ged
geraldine gerry geri jerry dina
gerard gerry ged jerry
gertrude gertie trudy
gilbert gil bert
gillian gill jill gilly
gladys glad
glenn glen
gloria glory
gordon gordy
grace gracie
graham graeme grahame
gregory greg gregg
gretchen greta
guillermo william
gwendolyn gwen wendy gwendoline
hannah anna hanna
harold harry hal
harriet hattie harry
harrison harry
harvey harv
hazel haze
heather hettie
helen nell nellie ellen helena ella elena lena
helena lena nell helen
henrietta hettie etta henry
henry harry hank hal
herbert herb bert herbie
herman manny
hilary hillary hil
hilda hildy
hollie holly
horace horry
howard howie
hubert hugh bert hubie
hugh hughie huw hugo
ian iain
ignatius iggy
imogen immy
ingrid inga
irene rene renie
irving irv
isaac ike zac
isabel isabelle isobel isabella bella belle izzy ibby bel
isabella bella izzy belle isabel
isaiah ike
ivan ive
jack jackie jock
jackson jack
jacob jake jay jakob
jacqueline jackie jacqui jacquelyn jacky
james jim jimmy jamie jem jimmie jaime
jamie james
jane janie jayne jenny jean
janet jan jenny janice
janice jan
jasmine jas jazz yasmin
jason jay jase
jasper jas
jean jeanne jeannie jane
jeanette jean jeannie janet nettie
jedidiah jed
jemima mima jem
jennifer jen jenny jenni jenna jennie
jeremiah jerry jem
jeremy jerry jem
jerome jerry
jesse jess
jessica jess jessie
jill gill jillian
joan joanie jo
joanna jo joanne joan
joanne jo joanna joann
jocelyn joss jo
joel joe
john jon johnny jack jonny johnnie johnathan jonathan ian sean
jonathan jon john johnny jonny johnathan nathan jonathon johnathon
jordan jordy
joseph joe joey jo jos
josephine jo josie josey fifi
joshua josh
joy joyce
joyce joy
juan john
judith judy judi jude
julia julie jules
julian jules jule
juliana julie
juliet julie
julie jules julia
justin jus
karen kaz
katelyn kate caitlin
kathleen kath kathy katie kay kate cathleen kathlyn
kay kaye
kelly kel
kenneth ken kenny kent
kerry kez
kevin kev
kimberly kim kimberley kimmie
kirsten kirsty kirstie
kristen kris kristin krissy christine
kurt curt
larry lawrence
laura laurie laurel lori lauren
lauren laurie loren laura
laurence lawrence larry laurie lorne
lawrence laurence larry laurie lawrie
leah lea
leanne lee anne
leigh lee
lena helena
leo leon
leon leo lee
leonard len lenny leo lennie
leonora nora
leroy roy lee
leslie lesley les
lester les
letitia letty tisha
lewis louis lew
lilian lillian lily lil lillie
lillie lily lil
linda lindy lin lynn lynda
lindsay lindsey lin
lionel leo
lisa liz
loretta lori etta
lorraine lori raine
louis lou louie lewis
louise lou lulu louisa
lucas luke
lucille lucy lou
lucinda lucy cindy
lucy lucie lu lucinda
luke lucas
lydia lyddie
lynette lyn lynn
lynn lynne lyn linda
mabel mab
madeleine maddie maddy madeline madelyn mady lena
magdalena lena maggie magda
malcolm mal
marcus marc mark
margaret maggie meg peggy marge margie madge greta rita mags maggy daisy peg margo margot margery marjorie may
margarita rita margie
maria mary marie mia ria
marian marion mary
marie mary maria mae
marilyn mary lynn
marianne mary anne
marjorie marge margie margery
mark marc
marsha marcia
martha marty mattie patty
martin marty mart martyn
marvin marv
mary molly polly mae marie may maria mamie minnie mitzi
mathilda matilda tilly mattie
matthew matt matty mathew mat
maureen mo
maurice morris maury moe
maxine max
maxwell max
megan meg meggie
melanie mel
melinda mel mindy linda
melissa mel missy lissa
melody mel
melvin mel
mercedes mercy sadie
meredith merry
michael mike mick mickey micky mikey mitch micheal
michelle shelly shell chelle mickey
mildred millie milly
millicent millie milly
miranda mandy randy
miriam mimi mitzi mary
mitchell mitch
mohammed mohammad muhammad mohamed mo
monica mon
montgomery monty
morris mo
mortimer mort
moses mo moe
nancy nan ann
naomi nomi
natalie nat natalia
natasha tasha nat
nathan nat nate nathaniel
nathaniel nat nate nathan
neil neal neill
nelson nels
nicholas nick nicky nicolas nico
nicola nicky nicki nic nikki
nicole nicky nikki nicki nic
nigel nige
nora norah
norman norm
olive ollie olivia
oliver ollie olly
olivia liv livvy ollie
oscar ossie
oswald ossie ozzy
pamela pam
patricia pat patty trish tricia patsy patti trisha
patrick pat paddy patsy padraig
paul paulie
paula polly
pauline paula polly
penelope penny pen
percival percy
peter pete
philip phillip phil pip
philippa pip pippa phil
phyllis phyl
priscilla cilla prissy
prudence pru
rachel rach rachael shelly
ralph rafe
ramona mona
randall randy
randolph randy
raphael rafe raph
raymond ray
rebecca becky becca beck bex reba rebekah
reginald reg reggie rex
regina gina reggie
rhonda ron
richard rick dick rich richie ricky rik dickie ritchie
robert bob rob bobby robbie robby bert robin bobbie
roberta bobbie robbie bobby
robin robyn rob
rochelle shelly
roderick rod rick roddy
rodney rod
roger rodge rog
roland rolly rollo
ronald ron ronnie ronny
rosalind ros roz linda rose
rosamund ros rose
rose rosie rosa
rosemary rose rosie romy mary
roseanne rose anne
roxanne roxy
rudolph rudy
russell russ rusty
ruth ruthie
sabrina brina
sally sarah
samantha sam sammy mandy
samson sam
samuel sam sammy
sandra sandy sandie
sarah sara sally sadie
sean shaun shawn
sebastian seb bas
selina lena
serena rena
shannon shan
sharon shaz shari
sheila shelagh
shelley shelly
sheldon shelly
shirley shirl lee
sidney sid sydney syd
sidonie sid
simon si
sofia sophie sophia
solomon sol solly
sophia sophie sophy sofia
stacey stacy
stanley stan
stella estella
stephanie steph steff stevie
stephen steven steve stevie ste steph
stewart stuart stu stew
stuart stewart stu
susan sue susie suzy suzie suzanne sukie
susannah sue susanna susie anna susan
suzanne sue suzy susan suzie
sylvester sly
sylvia syl sylvie
tabitha tabby
tamara tammy tam tami
tamsin tammy
tanya tania tan
teresa theresa terry tess tessa tracy terri therese
terence terry terrence tel
thaddeus thad ted
theodora theo dora
theodore ted teddy theo
theresa teresa terry tess tessa terri tracy
thomas tom tommy thom tam
tiffany tiff
timothy tim timmy
tina christina martina
tobias toby
trevor trev
tracey tracy
valentine val
valerie val
vanessa nessa ness
vernon vern
veronica ronnie vera ron nica
victor vic
victoria vicky vicki tori vic vickie vikki tory
vincent vin vince vinny vinnie
viola vi
violet vi
virginia ginny ginger gini
vivian viv vivien vivienne
wallace wally
walter walt wally
wendy gwendolyn
wesley wes
wilbur will
wilfred will wilf fred
wilhelmina mina billie minnie willa wilma
william bill will billy willie liam wills willy
winifred winnie freda win
winston win winnie
woodrow woody
yvonne vonnie von eve
yvette eve evie
zachary zach zac zack zak
zoe zoey
";

/// The lines in which a folded name stands, by number, and whether it is the name the line begins with.
pub fn lines(name: &str) -> Vec<u16> {
    index().get(name).cloned().unwrap_or_default()
}

/// Whether two folded names are said for each other: one line has both.
pub fn are_alike(left: &[u16], right: &[u16]) -> bool {
    left.iter().any(|line| right.contains(line))
}

fn index() -> &'static std::collections::BTreeMap<&'static str, Vec<u16>> {
    static INDEX: std::sync::OnceLock<std::collections::BTreeMap<&'static str, Vec<u16>>> =
        std::sync::OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index = std::collections::BTreeMap::<&str, Vec<u16>>::new();
        for (number, line) in (0u16..).zip(TABLE.lines().filter(|line| !line.is_empty())) {
            for name in line.split(' ') {
                index.entry(name).or_default().push(number);
            }
        }
        index
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_are_alike_and_what_they_are_short_for_is_not() {
        for (left, right, alike) in [
            ("bill", "william", true),
            ("tony", "anthony", true),
            ("chris", "christine", true),
            ("christopher", "christine", false),
            ("john", "james", false),
            ("peggy", "margaret", true),
            ("nguyen", "nguyen", false),
        ] {
            assert_eq!(are_alike(&lines(left), &lines(right)), alike, "{left} {right}");
        }
    }

    #[test]
    fn the_table_is_written_as_names_are_folded() {
        for line in TABLE.lines() {
            for name in line.split(' ') {
                assert_eq!(name, super::super::normalize::fold(name), "{line}");
            }
        }
    }
}
