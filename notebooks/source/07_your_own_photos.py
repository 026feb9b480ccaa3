# ---
# jupyter:
#   vitsim: {pt: 07_suas_proprias_fotos}
# ---

# %% [markdown] lang="en"
# # 07 · Your own photos
#
# So far the photos were ours. Now bring yours: lost pets, plants, stamps, whatever repeats.
#
# **You will be able to**
# - turn a folder of photos into a gallery that grows, and search it;
# - say how well a model works on *your* photos, with intervals;
# - handle other people's photos with care.
#
# **Time:** 30 minutes and 15 for the exercises. **You need:** lessons 03 to 05; photos of your own,
# or the folder that we lend you; no network.

# %% [markdown] lang="pt"
# # 07 · Suas próprias fotos
#
# Até aqui, as fotos eram nossas. Agora traga as suas: animais perdidos, plantas, selos, qualquer
# coisa que se repita.
#
# **Ao final, você saberá**
# - transformar uma pasta de fotos em uma galeria que cresce, e buscar nela;
# - dizer o quanto um modelo acerta nas *suas* fotos, com intervalos;
# - cuidar das fotos dos outros.
#
# **Tempo:** 30 minutos, mais 15 para os exercícios. **Requisitos:** aulas 03 a 05; fotos suas ou a
# pasta que emprestamos; internet, não.

# %%
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import ExifTags, Image

try:
    from vitsim import datasets, evaluation, images, judge, plots
except ModuleNotFoundError:
    # %pip install --quiet "vitsim[notebooks] @ git+{{repository}}"
    # %env VITSIM_LANG={{language}}
    from vitsim import datasets, evaluation, images, judge, plots
from vitsim.encoder import Encoder
from vitsim.exercises import check
from vitsim.gallery import Gallery

# %matplotlib inline
print("vitsim ✓")

# %% [markdown] lang="en"
# ## 1. A folder for each animal
#
# The folder that a photo lies in is its **label**; two folders of two photos are the least:
#
# ```
# photos/rex/1.jpg    photos/rex/2.jpg    photos/mimi/IMG_0412.jpg    …
# ```
#
# For practice we fill such a folder with six toy pets.

# %% [markdown] lang="pt"
# ## 1. Uma pasta para cada animal
#
# A pasta em que uma foto está é seu **rótulo** (*label*); o mínimo são duas pastas de duas fotos:
#
# ```
# fotos/rex/1.jpg    fotos/rex/2.jpg    fotos/mimi/IMG_0412.jpg    …
# ```
#
# Para praticar, enchemos uma pasta assim com seis bichinhos de brinquedo.

# %%
import shutil
import tempfile

example = Path(tempfile.mkdtemp()) / "photos"
pets = datasets.pets(split="dev").query("role != 'stranger'").groupby("pet").head(6)
for row in pets[pets["pet"].isin(pets["pet"].unique()[::3])].itertuples():
    (example / row.pet).mkdir(parents=True, exist_ok=True)
    shutil.copy(row.photo, example / row.pet)
print(len(images.find_photos(example)))

# %% [markdown] lang="en"
# Real folders are untidy, so we add a copy, half a file, a small night shot. And the cat Chelsea,
# from a telephone: lying on her side, with the place where she was taken, here the centre of Porto
# Alegre.

# %% [markdown] lang="pt"
# Pastas reais são bagunçadas; por isso, acrescentamos uma cópia, meio arquivo, uma foto noturna e
# pequena. E a gata Chelsea, de um celular: deitada, e com o lugar em que foi fotografada, aqui o
# centro de Porto Alegre.

# %%
first = example / "cat_001" / "cat_001_00.jpg"
shutil.copy(first, first.with_name("copy.jpg"))
first.with_name("broken.jpg").write_bytes(first.read_bytes()[:2000])
small = images.open_photo(first).resize((96, 96))
small.point(lambda value: value // 8).save(first.with_name("night.jpg"))

exif = Image.Exif()
exif[ExifTags.Base.Orientation] = 6
exif[ExifTags.IFD.GPSInfo] = {1: "S", 2: (30.0, 1.0, 58.0), 3: "W", 4: (51.0, 13.0, 48.0)}
phone = example / "chelsea" / "phone.jpg"
phone.parent.mkdir(exist_ok=True)
images.open_photo(datasets.sample("cat")).rotate(90, expand=True).save(phone, exif=exif)
print(len(images.find_photos(example)))

# %% [markdown] lang="en"
# **The one line to change** for your photos is the next one. On Windows, `Path("C:/photos")`.
#
# <details><summary>In Colab: photos on Google Drive</summary>
#
# ```python
# from google.colab import drive
# drive.mount("/content/drive")
# mine = Path("/content/drive/MyDrive/photos")
# ```
# </details>

# %% [markdown] lang="pt"
# **A única linha a mudar** para usar as suas fotos é a próxima. No Windows, `Path("C:/fotos")`.
#
# <details><summary>No Colab: fotos no Google Drive</summary>
#
# ```python
# from google.colab import drive
# drive.mount("/content/drive")
# mine = Path("/content/drive/MyDrive/fotos")
# ```
# </details>

# %%
mine = example  # Path("~/photos").expanduser()

photos = images.find_photos(mine)
pd.Series([photo.parent.name for photo in photos]).value_counts(sort=False).to_frame("photos")

# %% [markdown] lang="en"
# Are the labels yours, and about as many photos as you expected?
#
# ## 2. Look before you search
#
# The **audit** of lesson 01 reads every file:

# %% [markdown] lang="pt"
# Os rótulos são os seus, e a quantidade de fotos é a que você esperava?
#
# ## 2. Olhe antes de buscar
#
# A **auditoria** (*audit*) da aula 01 lê cada arquivo:

# %%
for finding in images.audit(mine):
    print(f"{finding.kind:<11}{finding.path.relative_to(mine).as_posix()}")

# %% [markdown] lang="en"
# *Unreadable*: fetch it again. *Small*, *dark*, *flat* (hardly any contrast): keep, and expect less.
# *Turned*: vitsim turns it. *Twin*: a copy, which would make any search look brilliant. How is it
# known? By **SHA-256**, a fingerprint of the bytes:

# %% [markdown] lang="pt"
# *Unreadable* (ilegível): obtenha o arquivo de novo. *Small*, *dark*, *flat* (pequena, escura,
# quase sem contraste): mantenha e espere menos. *Turned* (deitada): o vitsim a gira. *Twin*
# (gêmea): uma cópia, que faria qualquer busca parecer brilhante. Como se sabe? Pelo **SHA-256**,
# uma impressão digital dos bytes:

# %%
import hashlib

digests = [hashlib.sha256(photo.read_bytes()).hexdigest() for photo in photos]
print(len(photos), len(set(digests)), digests[0][:12])

# %% [markdown] lang="en"
# With our folder, one fingerprint fewer than photos. But a copy that a messenger compressed anew
# has other bytes: only your eyes, or a score near 1, find that one.
#
# ## 3. Where was it taken?
#
# Phones write more than the orientation into EXIF:

# %% [markdown] lang="pt"
# Na nossa pasta, há uma impressão digital a menos do que fotos. Mas uma cópia que um aplicativo de
# mensagens recomprimiu tem outros bytes: essa, só os seus olhos, ou um escore perto de 1, encontram.
#
# ## 3. Onde foi tirada?
#
# O celular grava no EXIF mais do que a orientação:

# %%
gps = Image.open(phone).getexif().get_ifd(ExifTags.IFD.GPSInfo)
print(dict(gps))
degrees = [np.dot(gps[tag], [1, 1 / 60, 1 / 3600]) for tag in (2, 4)]
print(f"{degrees[0]:.2f}° {gps[1]}   {degrees[1]:.2f}° {gps[3]}")
print(f"1″ = {40_008_000 / 360 / 3600:.0f} m")

# %% [markdown] lang="en"
# One second is 31 metres, and phones store fractions. A photo of a pet at home tells where its
# owner lives.
#
# ### Exercise 1: build
# Save a photo for publishing: without EXIF, and upright.

# %% [markdown] lang="pt"
# Um segundo são 31 metros, e celulares gravam frações. A foto de um bicho em casa conta onde mora o
# tutor.
#
# ### Exercício 1: construa
# Salve uma foto para publicação: sem EXIF e na posição certa.


# %% tags=["exercise"]
def save_for_publishing(photo, out):
    shutil.copy(photo, out)


public = example.with_name("public.jpg")
shutil.copy(phone, public)  # which your function replaces
save_for_publishing(phone, public)
upright = np.asarray(images.open_photo(phone).resize((8, 8)), dtype=float)
with Image.open(public) as saved:
    seen = np.asarray(saved.convert("RGB").resize((8, 8)), dtype=float)
    print(found := (len(saved.getexif()), *saved.size, bool(abs(seen - upright).mean() < 5)))
check(
    found,
    (0, 451, 300, True),
    en="In order: EXIF entries, width, height, upright. Turn it before its note is gone.",
    pt="Em ordem: campos EXIF, largura, altura, na posição certa. Gire antes que a anotação se perca.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `images.open_photo` turns. An array holds pixels and nothing else: `np.asarray`, then
# `Image.fromarray`.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `images.open_photo` gira. Um arranjo guarda pixels e nada mais: `np.asarray` e, depois,
# `Image.fromarray`.
# </details>


# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
def save_for_publishing(photo, out):
    pixels = np.asarray(images.open_photo(photo))
    Image.fromarray(pixels).save(out)


save_for_publishing(phone, public)
with Image.open(public) as saved:
    seen = np.asarray(saved.convert("RGB").resize((8, 8)), dtype=float)
    close = abs(seen - upright).mean() < 5
    check((len(saved.getexif()), *saved.size, close), (0, 451, 300, True))

# %% [markdown] lang="en"
# ## 4. A gallery that grows
#
# For real photos take a large model. While you have a network, `vitsim download NAME` brings it.
# Our encoder keeps a list of all photos that it embeds.

# %% [markdown] lang="pt"
# ## 4. Uma galeria que cresce
#
# Para fotos reais, use um modelo grande. Enquanto houver internet, `vitsim download NOME` o traz.
# Nosso codificador anota todas as fotos que transforma em *embeddings*.


# %%
class Counting(Encoder):
    def embed(self, photos, *how, **more):
        embedded.extend(photos)
        return super().embed(photos, *how, **more)


model = None  # "google/vit-base-patch16-224", "facebook/dinov2-small"

encoder, embedded = Counting(**vars(Encoder.load(model))), []
plots.name_model(encoder.name)
progress = encoder.name != "tiny" or len(photos) > 50
print(encoder.name, encoder.dim)

# %% [markdown] lang="en"
# The last five photos have not arrived yet:

# %% [markdown] lang="pt"
# As últimas cinco fotos ainda não chegaram:

# %%
out = Path(tempfile.mkdtemp()) / "mine.gallery"  # better: a folder that stays
embedded.clear()
early = photos[: len(photos) - min(5, len(photos) // 2)]
gallery = Gallery.build(mine, encoder, out, paths=early, progress=progress)
print(f"{len(early)} photos, {len(gallery)} in the gallery, {len(embedded)} embedded")
for reason in gallery.skipped:
    print(reason.replace(str(mine), "…").replace("\\", "/"))

# %% [markdown] lang="en"
# The unreadable photo is left out, with the reason and the way out; the twin is in the gallery, but
# was embedded once.
#
# ### Exercise 2: predict
# Now all photos are here. How many does the network see this time?

# %% [markdown] lang="pt"
# A foto ilegível ficou de fora, com o motivo e o que fazer; a gêmea está na galeria, mas só passou
# pela rede uma vez.
#
# ### Exercício 2: preveja
# Agora todas as fotos chegaram. Quantas a rede vê desta vez?

# %% tags=["exercise"]
prediction = None

embedded.clear()
again = out.with_name("again.gallery")  # so that this cell can run twice
shutil.rmtree(again, ignore_errors=True)
shutil.copytree(out, again)
gallery = Gallery.build(mine, encoder, again, progress=progress)
print(f"{len(gallery)} in the gallery")
check(
    prediction,
    len(embedded),
    en="What is known by its fingerprint is not embedded again.",
    pt="O que já é conhecido pela impressão digital não passa de novo pela rede.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# How many photos did `early` leave out? Twins and broken files would not count.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# Quantas fotos ficaram fora de `early`? Gêmeas e arquivos corrompidos não contariam.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
prediction = len(set(digests[len(early) :]) - set(digests[: len(early)]))
print(prediction)
check(prediction, len(embedded))

# %% [markdown] lang="en"
# An index that was interrupted goes on in the same way. Now a search, and a figure to keep:

# %% [markdown] lang="pt"
# Uma indexação interrompida continua do mesmo jeito. Agora, uma busca e uma figura para guardar:

# %%
query = gallery.root / gallery.photos["path"][0]
matches = gallery.match(query, k=4, leave_out_query=True)
figure = plots.match_grid(query, matches, truth=gallery.photos["label"][0])
figure.savefig(out.with_name("matches.png"))
figure

# %% [markdown] lang="en"
# A tick marks the query's own label. Where the place is the same and the animal is not, the
# background may have done the matching.
#
# ## 5. How well does it work on *my* photos?
#
# One search proves nothing. Ask for *every* photo among all the others: **leave-one-out**. Copies
# are dropped first, and photos in no folder or in two. A photo alone in its folder is not asked
# for, since nothing could be found.

# %% [markdown] lang="pt"
# O ✓ marca o rótulo da própria consulta. Onde o lugar é o mesmo e o animal não, talvez o fundo tenha
# feito a correspondência.
#
# ## 5. Quanto ele acerta nas *minhas* fotos?
#
# Uma busca não prova nada. Procure *cada* foto entre todas as outras: é o **leave-one-out** (deixar
# uma de fora). Antes, descartam-se as cópias e as fotos sem pasta ou em duas. Uma foto sozinha em
# sua pasta não é procurada, pois nada haveria a encontrar.

# %%
table = gallery.photos
in_one = table.groupby("sha256")["label"].transform("nunique") == 1
in_one &= table["path"].str.contains("/")
distinct = (in_one & ~table.duplicated("sha256")).to_numpy()
labels = gallery.photos["label"].to_numpy()[distinct]
scores = gallery.vectors[distinct] @ gallery.vectors[distinct].T
asked = pd.Series(labels).duplicated(keep=False).to_numpy()
print(scores.shape, asked.sum())

# %% [markdown] lang="en"
# ### Exercise 3: change
# Recall@1 is the share of photos whose best match has their label (lesson 04). A perfect 1.00:
# suspicious. What did we forget? `judge` does the same for a whole gallery.

# %% [markdown] lang="pt"
# ### Exercício 3: modifique
# O *recall@1* é a proporção de fotos cuja melhor correspondência tem o mesmo rótulo (aula 04). Um
# 1,00 perfeito: suspeito. O que esquecemos? `judge` faz o mesmo para uma galeria inteira.

# %% tags=["exercise"]
rivals = scores.copy()

recall = np.mean(labels[rivals.argmax(axis=1)] == labels, where=asked)
print(f"{recall:.2f}")
report = judge.evaluate_gallery(gallery, progress=progress)
ours = next(iter(report.methods.values()))
itself = bool((rivals.argmax(axis=1) == np.arange(len(rivals))).any())
check(
    (recall, itself),
    (ours.figures["recall@1"].estimate, False),
    en="Each photo found itself. Put something low on the diagonal of rivals.",
    pt="Cada foto achou a si mesma. Ponha algo baixo na diagonal de rivals.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `np.fill_diagonal(rivals, value)` changes `rivals` itself, and returns nothing. No cosine is below
# −1; NaN will not do, which `argmax` takes for the highest.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `np.fill_diagonal(rivals, valor)` altera a própria `rivals` e não devolve nada. Nenhum cosseno fica
# abaixo de −1; NaN não serve, pois `argmax` o toma pelo maior.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
rivals = scores.copy()
np.fill_diagonal(rivals, -2)
recall = np.mean(labels[rivals.argmax(axis=1)] == labels, where=asked)
print(f"{recall:.2f}")
check(recall, ours.figures["recall@1"].estimate)

# %% [markdown] lang="en"
# By hand and by `judge`: equal. Now all it says, beside two ways to compare photos **without a
# model**, thumbnails and colour histograms:

# %% [markdown] lang="pt"
# À mão e pelo `judge`: iguais. Agora, tudo o que ele diz, ao lado de duas maneiras de comparar fotos
# **sem modelo**, miniaturas de 16 × 16 pixels e histogramas de cores:

# %%
print(report)
print(*report.notes, sep="\n")

# %% [markdown] lang="en"
# Does the model's interval lie above both baselines? Then it has learned something that helps *on
# your photos*. If they overlap, they decide nothing: the same photos were asked both ways, so look
# at the paired difference (`evaluation.paired_difference`, lesson 06). Intervals are over animals,
# not photos (lesson 05): more photos of the same six hardly narrow them.

# %% [markdown] lang="pt"
# O intervalo do modelo fica acima das duas referências (*baselines*)? Então ele aprendeu algo que
# ajuda *nas suas fotos*. Se os intervalos se sobrepõem, nada decidem: as mesmas fotos foram
# consultadas das duas maneiras; olhe a diferença pareada (`evaluation.paired_difference`, aula 06).
# A unidade dos intervalos é o animal, não a foto (aula 05): mais fotos dos mesmos seis quase não os
# estreitam.

# %%
threshold = evaluation.equal_error_rate(ours.genuine, ours.impostor).threshold
plots.score_strips({"genuine": ours.genuine, "impostor": ours.impostor}, mark=threshold)

# %% [markdown] lang="en"
# Orange: the threshold of the equal error rate. Genuine pairs to its left are missed; impostors to
# its right are false matches. With `tiny` and our folder the six genuine pairs farthest left are
# all of `night.jpg`, which the audit named: one photo makes most of the EER, and widens its
# interval.
#
# ### Exercise 4: change
# The place is not the animal. Remove the background, and read both tables. Could the gain be luck?
# Two intervals side by side cannot tell; a paired one may (it is in the solution).

# %% [markdown] lang="pt"
# Em laranja, o limiar da taxa de erro igual (EER). Pares genuínos à sua esquerda se perdem;
# impostores à sua direita são falsas correspondências. Com o `tiny` e a nossa pasta, os seis pares
# genuínos mais à esquerda são todos de `night.jpg`, que a auditoria apontou: uma só foto faz quase
# toda a EER e alarga seu intervalo.
#
# ### Exercício 4: modifique
# O lugar não é o animal. Remova o fundo e leia as duas tabelas. O ganho pode ser acaso? Dois
# intervalos lado a lado não dizem; um pareado pode dizer (está na solução).

# %% tags=["exercise"]
remover = None  # "cutout", "u2net"

cut = gallery
if remover:
    import rembg  # the first time, up to a minute

    cut = Gallery.build(mine, encoder, background=remover, progress=progress)
    print(judge.evaluate_gallery(cut, progress=progress))
check(
    cut.recipe.background,
    remover,
    en="Write a remover between quotes, such as the one that comes with the course.",
    pt="Escreva um removedor entre aspas, como o que vem com o curso.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `remover = "cutout"`. The larger `u2net` needs a network once.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `remover = "cutout"`. O `u2net`, maior, precisa de internet na primeira vez.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
import rembg  # noqa: F401

cut = Gallery.build(mine, encoder, background="cutout", progress=progress)
print(judge.evaluate_gallery(cut, progress=progress))
check(cut.recipe.background, "cutout")


def among_others(one):
    cosines = one.vectors[distinct] @ one.vectors[distinct].T
    np.fill_diagonal(cosines, np.nan)
    return cosines[asked]


ways = among_others(cut), among_others(gallery)
gain = evaluation.paired_difference(evaluation.mean_average_precision, *ways, labels[asked], labels)
print(f"mAP {gain}")

# %% [markdown] lang="en"
# The baselines see the cut-outs too: a fair comparison.
#
# ## 6. The tutorial's photos
#
# The workshop that this course grew from used **Natural Images**: 6,899 photos in 8 class folders
# (airplane, car, cat, dog, flower, fruit, motorbike, person). Its page on Kaggle has the licence;
# with an account there:
#
# ```
# pip install kaggle
# kaggle datasets download -d prasunroy/natural-images --unzip -p natural-images
# vitsim evaluate natural-images --model google/vit-base-patch16-224
# ```
#
# Some editions hold every photo twice; copies are left out. Mind what "genuine" means there: two
# cats, *any* two. A high recall says that a model tells cats from cars, not Rex from Max.
#
# ## 7. The same on the command line
#
# | | |
# |---|---|
# | look | `vitsim audit photos/` |
# | fetch models | `vitsim download google/vit-base-patch16-224 u2net` |
# | index, or go on | `vitsim index photos/ --out my.gallery` |
# | search | `vitsim match new.jpg --gallery my.gallery --figure out.png` |
# | judge | `vitsim evaluate photos/ --background cutout --out figures/` |
#
# ## 8. Photos belong to people
#
# - **Ask.** A photo lent to find a dog is for finding that dog; then delete it. In Brazil the LGPD
#   (Law 13.709/2018) protects data about an identifiable person, such as an owner's name, telephone
#   or home, and wants no more collected than the purpose needs.
# - **Strip** locations and crop strangers before publishing.
# - **Where?** vitsim uploads nothing. In Colab, though, "this machine" is Google's.
# - **No false hope.** A ranking always has a first place, even when the animal is not there
#   (lesson 05). Write "please look", never "found". Nor does an empty-handed search mean that the
#   animal is lost for good.
# - **A person decides**, by marks, chip and behaviour. Keep one detail unpublished, and ask whoever
#   claims the animal for it.
#
# ## Quiz
#
# <details><summary>1. You took ten shots in a row of each pet. Recall@1 is 0.99. Glad?</summary>
#
# No. Each photo finds its neighbour in time: same light, same place. Lost pets come on another day.
# </details>
# <details><summary>2. Model: 0.60 [0.40, 0.78]. Pixels: 0.50 [0.31, 0.69]. What now?</summary>
#
# The paired difference first: these two intervals cannot tell. If its interval holds 0: more
# animals.
# </details>
# <details><summary>3. You change the model. Must the gallery be indexed anew?</summary>
#
# Yes: vectors of two models cannot be compared, and vitsim refuses to.
# </details>
#
# ## Remember
# - A folder for each animal; audit first; index once, then only what is new.
# - Judge on your own labels: leave-one-out, no copies, intervals over animals, baselines beside.
# - EXIF knows where. Save pixels only.
# - A machine orders photos; a person decides.
#
# **Next:** your turn. Lesson 06 helps when your scores surprise you; lesson 08, when your photos are
# millions.
#
# ## References
# - P. Roy, S. Ghosh, S. Bhattacharya, U. Pal (2018). [Effects of degradations on deep neural network
#   architectures](https://arxiv.org/abs/1807.10108);
#   [Natural Images](https://www.kaggle.com/datasets/prasunroy/natural-images).
# - J. Ferreira (2025). [Similaridade de imagens usando Vision Transformers no
#   python](https://jodavid.github.io/similarity_vit_python).
# - [Lei 13.709/2018](https://www.planalto.gov.br/ccivil_03/_ato2015-2018/2018/lei/l13709.htm)
#   (LGPD), articles 5 and 6.
# - [Pillow: ExifTags](https://pillow.readthedocs.io/en/stable/reference/ExifTags.html)

# %% [markdown] lang="pt"
# Os métodos de referência também veem os recortes: a comparação é justa.
#
# ## 6. As fotos do tutorial
#
# O tutorial de que este curso nasceu usou o conjunto **Natural Images**: 6.899 fotos em 8 pastas,
# uma por classe (airplane, car, cat, dog, flower, fruit, motorbike, person). A licença está em sua
# página no Kaggle; com uma conta lá:
#
# ```
# pip install kaggle
# kaggle datasets download -d prasunroy/natural-images --unzip -p natural-images
# vitsim evaluate natural-images --model google/vit-base-patch16-224
# ```
#
# Algumas edições trazem cada foto duas vezes; as cópias ficam de fora. Atenção ao que "genuíno" quer
# dizer ali: dois gatos *quaisquer*. Um *recall* alto diz que o modelo distingue gatos de carros, não
# o Rex do Max.
#
# ## 7. O mesmo na linha de comando
#
# | | |
# |---|---|
# | olhar | `vitsim audit fotos/` |
# | trazer modelos | `vitsim download google/vit-base-patch16-224 u2net` |
# | indexar ou continuar | `vitsim index fotos/ --out minha.gallery` |
# | buscar | `vitsim match nova.jpg --gallery minha.gallery --figure saida.png` |
# | avaliar | `vitsim evaluate fotos/ --background cutout --out figuras/` |
#
# ## 8. Toda foto é de alguém
#
# - **Peça licença.** Uma foto emprestada para achar um cão serve para achar esse cão; depois,
#   apague-a. A LGPD (Lei 13.709/2018) protege os dados de pessoas identificáveis, como nome, telefone
#   ou endereço do tutor, e não admite coletar mais do que a finalidade exige.
# - **Tire** a localização e os desconhecidos da foto antes de publicar.
# - **Onde?** O vitsim não envia nada. Mas, no Colab, "esta máquina" é do Google.
# - **Sem falsas esperanças.** Toda lista tem um primeiro lugar, mesmo que o animal não esteja nela
#   (aula 05). Escreva "por favor, veja", nunca "encontrado". E uma busca sem resultado não quer dizer
#   que o animal se perdeu para sempre.
# - **Quem decide é uma pessoa**, por marcas, chip e comportamento. Deixe um detalhe sem publicar e
#   peça-o a quem disser ser o tutor.
#
# ## Questionário
#
# <details><summary>1. Você tirou dez fotos seguidas de cada animal. O recall@1 é 0,99. É para
# comemorar?</summary>
#
# Não. Cada foto acha a vizinha no tempo: mesma luz, mesmo lugar. Animais perdidos aparecem em outro
# dia.
# </details>
# <details><summary>2. Modelo: 0,60 [0,40; 0,78]. Pixels: 0,50 [0,31; 0,69]. E agora?</summary>
#
# Antes, a diferença pareada: esses dois intervalos não decidem. Se o intervalo dela contém o 0:
# mais animais.
# </details>
# <details><summary>3. Você troca de modelo. É preciso indexar a galeria de novo?</summary>
#
# Sim: vetores de dois modelos não se comparam, e o vitsim se recusa a isso.
# </details>
#
# ## Para lembrar
# - Uma pasta por animal; auditoria primeiro; indexe uma vez e, depois, só o que é novo.
# - Avalie com os seus rótulos: *leave-one-out*, sem cópias, intervalos por animal, referências ao
#   lado.
# - O EXIF sabe onde. Salve só os pixels.
# - A máquina ordena fotos; quem decide é uma pessoa.
#
# **A seguir:** é a sua vez. A aula 06 ajuda quando seus escores surpreendem; a 08, quando suas fotos
# são milhões.
#
# ## Referências
# - P. Roy, S. Ghosh, S. Bhattacharya, U. Pal (2018). [Effects of degradations on deep neural network
#   architectures](https://arxiv.org/abs/1807.10108);
#   [Natural Images](https://www.kaggle.com/datasets/prasunroy/natural-images).
# - J. Ferreira (2025). [Similaridade de imagens usando Vision Transformers no
#   python](https://jodavid.github.io/similarity_vit_python).
# - [Lei 13.709/2018](https://www.planalto.gov.br/ccivil_03/_ato2015-2018/2018/lei/l13709.htm)
#   (LGPD), artigos 5º e 6º.
# - [Pillow: ExifTags](https://pillow.readthedocs.io/en/stable/reference/ExifTags.html)
