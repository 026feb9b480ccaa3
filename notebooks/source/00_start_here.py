# ---
# jupyter:
#   vitsim: {pt: 00_comece_aqui}
# ---

# %% [markdown] lang="en"
# # 00 · Start here
#
# In May 2024, floods reached 447 of the 497 municipalities of Rio Grande do Sul, in the south of
# Brazil. More than two million people were affected. More than 12,000 animals were rescued,
# officially counted, and many had lost their people. Volunteers put photos of more than 10,000
# animals, from over 300 shelters, on one website, *Pets RS*. Then the owners began to scroll. One
# found her dog by checking every little spot.
#
# That is the question of this course: **is it the same one?** You will build a program that helps
# people look. It never decides for them.
#
# **You will be able to**
# - run a match, from a photo to a ranking;
# - say what a score means, and what it does not;
# - find your way through the lessons and their exercises.
#
# **Time:** 10 minutes and 5 for the exercises. **You need:** a little Python; no network.

# %% [markdown] lang="pt"
# # 00 · Comece aqui
#
# Em maio de 2024, as enchentes atingiram 447 dos 497 municípios do Rio Grande do Sul. Mais de dois
# milhões de pessoas foram afetadas. Mais de 12 mil animais foram resgatados, pela contagem oficial,
# e muitos se perderam de seus tutores. Voluntários reuniram em um só site, o *Pets RS*, fotos de
# mais de 10 mil animais, vindas de mais de 300 abrigos. Então os tutores começaram a procurar, foto
# por foto. Uma tutora achou sua cachorra conferindo cada manchinha.
#
# É essa a pergunta deste curso: **é o mesmo animal?** Você vai construir um programa que ajuda as
# pessoas a procurar. Ele nunca decide por elas.
#
# **Ao final, você saberá**
# - fazer uma busca, da foto à lista ordenada de candidatos;
# - dizer o que um escore significa, e o que não significa;
# - orientar-se entre as aulas e seus exercícios.
#
# **Tempo:** 10 minutos, mais 5 para os exercícios. **Requisitos:** um pouco de Python; internet,
# não.

# %%
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

try:
    from vitsim import background, datasets, doctor, images, models, plots
except ModuleNotFoundError:
    # %pip install --quiet "vitsim[notebooks] @ git+{{repository}}"
    # %env VITSIM_LANG={{language}}
    from vitsim import background, datasets, doctor, images, models, plots
from vitsim.encoder import Encoder
from vitsim.exercises import check
from vitsim.gallery import Gallery

# %matplotlib inline
print("vitsim ✓")

# %% [markdown] lang="en"
# ## 1. Guess first
#
# These dogs are toys, rendered for this course, so that we know who is who. Photo A comes from an
# owner. Photos B and C come from shelters. One of them shows the dog of photo A.

# %% [markdown] lang="pt"
# ## 1. Primeiro, um palpite
#
# Estes cães são de brinquedo, gerados por computador para o curso; assim, sabemos quem é quem. A
# foto A é de um tutor. As fotos B e C são de abrigos. Uma das duas mostra o cão da foto A.

# %%
pets = datasets.pets()
a, b, c = pets.iloc[[5, 10, 1]].itertuples()
plots.photo_row([a.photo, b.photo, c.photo], ["A", "B", "C"])

# %% [markdown] lang="en"
# ### Exercise 1: predict
# Exercises are all alike. The cell runs as it is, and `check` answers at once, with a word of help.
# Below it wait a hint and a solution, both folded: open them after you have tried.
#
# Which photo shows the dog of A? Put `"B"` or `"C"` in place of `None`, and run the cell.

# %% [markdown] lang="pt"
# ### Exercício 1: preveja
# Os exercícios são todos assim: a célula já roda como está, e `check` responde na hora e, se
# preciso, ajuda. Abaixo há uma dica e uma solução, ambas recolhidas: abra-as depois de tentar.
#
# Qual das fotos mostra o cão da foto A? Escreva `"B"` ou `"C"` no lugar de `None` e rode a célula.

# %% tags=["exercise"]
guess = None

check(
    guess,
    "B" if b.pet == a.pet else "C",
    en="Light and street can be shared by two dogs. Compare tail and forehead.",
    pt="Dois cães podem estar na mesma rua, sob a mesma luz. Compare a cauda e a testa.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# Cover the background with your hands. Which spots do both dogs have?
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# Cubra o fundo com as mãos. Que manchas os dois cães têm em comum?
# </details>


# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
guess = "C"
check(guess, "B" if b.pet == a.pet else "C")

# %% [markdown] lang="en"
# A and B share the street. But the white tip of the tail and the straight line on the forehead
# return in C, in another light. You have just done what the machine must learn: look past light
# and place.
#
# ## 2. Is everything here?
#
# `None` is the model that comes with the course, `tiny`. The others are larger and need a network
# once. Every lesson lets you choose.

# %% [markdown] lang="pt"
# A e B têm em comum a rua. Mas a ponta branca da cauda e a faixa reta na testa reaparecem em C, sob
# outra luz. Você acaba de fazer o que a máquina precisa aprender: enxergar além da luz e do lugar.
#
# ## 2. Está tudo aqui?
#
# `None` é o modelo que vem com o curso, o `tiny`. Os outros são maiores e precisam de internet na
# primeira vez. Em toda aula, a escolha é sua.

# %%
model = None  # "google/vit-base-patch16-224", "facebook/dinov2-small"

found, todo = doctor.examine()
shipped = ("tiny: here", "cutout: here")
print(*(line for line in found if line.endswith(shipped)), sep="\n")
print(f"{'photos':15} {len(pets)}, {pets['pet'].nunique()} pets")
print(*todo or [f"ready ✓ {model or models.default_model()}"], sep="\n")

# %% [markdown] lang="en"
# If the last line says `ready ✓`, go on; if not, it says what to do. `vitsim doctor`, in a
# terminal, tells more.
#
# ## 3. A match in five lines
#
# First, a shelter: 16 pets, three photos each. It is a hard one: every pet has a litter-mate there
# that looks much like it. We lay each pet on plain grey and crop to it. Lesson 01
# shows how.

# %% [markdown] lang="pt"
# Se a última linha diz `ready ✓` (pronto), siga em frente; se não, ela diz o que fazer. No
# terminal, `vitsim doctor` conta mais.
#
# ## 3. Uma busca em cinco linhas
#
# Antes, um abrigo: 16 animais, três fotos de cada um. É um caso difícil: todos têm ali um irmão de
# ninhada muito parecido. Colocamos cada animal sobre um cinza liso, bem enquadrado.
# A aula 01 mostra como.

# %%
litters = pets[pets["litter"] != ""]
shelter = litters[litters["role"] == "gallery"]
folder = Path(tempfile.mkdtemp())


def cut(row):
    return background.cut_out(images.open_photo(row.photo), Image.open(row.mask), crop=True)


for row in shelter.itertuples():
    (folder / row.pet).mkdir(exist_ok=True)
    cut(row).save(folder / row.pet / f"{Path(row.photo).stem}.png")
print(len(shelter), shelter["pet"].nunique())
plots.photo_row([cut(a), cut(b), cut(c)], ["A", "B", "C"])

# %% [markdown] lang="en"
# Without its street, B is less tempting. Now the five lines: load the model, show it the shelter,
# take the lost dog, ask for the four photos most like it, look. Before you run the cell, bet: which
# photo will come first?

# %% [markdown] lang="pt"
# Sem a rua, B já engana menos. Agora, as cinco linhas: carregar o modelo, mostrar-lhe o abrigo,
# pegar o cão perdido, pedir as quatro fotos mais parecidas, olhar. Antes de rodar a célula, aposte:
# que foto virá primeiro?

# %%
encoder = Encoder.load(model)
plots.name_model(encoder.name)
gallery = Gallery.build(folder, encoder, progress=encoder.name != "tiny")
query = cut(a)
matches = gallery.match(query, k=4)
plots.match_grid(query, matches, truth=a.pet)

# %% [markdown] lang="en"
# The best match stands first; the number is its **score**. A tick marks the lost dog, a cross
# another one: a luxury of toys, for a real shelter has no ticks.
#
# How to read a score: a picture scores 1.00 with itself, and more means *more alike to this model*.
# It is **not a probability**, and no score says "the same dog". See how close a tick and a cross
# can be. What is a high score? Lesson 03. How often is the first one wrong? Lesson 05.
#
# ### Exercise 2: change
# The lost dog has three photos in the shelter. How far down the list must a volunteer look to see
# all three? Find the smallest `k`.

# %% [markdown] lang="pt"
# A melhor correspondência vem primeiro; o número é seu **escore** (*score*). Um ✓ marca o cão
# perdido; um ✗, outro cão: um luxo dos brinquedos, pois em um abrigo de verdade não há ✓.
#
# Como ler um escore (saídas e figuras têm ponto decimal: 0.93 é 0,93): uma imagem tem 1,00 consigo
# mesma, e mais alto quer dizer *mais parecido para este modelo*. Ele **não é uma probabilidade**, e
# nenhum escore diz "é o mesmo cão". Veja como um ✓ e um ✗ podem ficar próximos. O que é um escore
# alto? Aula 03. Com que frequência a primeira está errada? Aula 05.
#
# ### Exercício 2: modifique
# O cão perdido tem três fotos no abrigo. Até que posição da lista um voluntário precisa olhar para
# ver as três? Encontre o menor `k`.

# %% tags=["exercise"]
k = 1

ranks = [match.rank for match in gallery.match(query, k) if match.label == a.pet]
print(ranks)
check(
    k,
    max(match.rank for match in gallery.match(query, len(gallery)) if match.label == a.pet),
    en="Fewer than three ranks printed: raise k. Three: lower it to the last of them.",
    pt="Menos de três posições impressas: aumente k. Três: reduza k à última delas.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# Ask for many at once, say 48, and read the ranks.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# Peça muitas de uma vez, 48, por exemplo, e leia as posições.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
ranks = [match.rank for match in gallery.match(query, 48) if match.label == a.pet]
print(ranks)
k = ranks[-1]
check(k, max(ranks))

# %% [markdown] lang="en"
# The best possible answer is 3; the worst, 48. What a volunteer must look at is what a good model
# saves.
#
# ### Exercise 3: build
# One dog proves nothing. Here is one photo of each of the eight dogs. Write `is_right`: cut out the
# pet of `row`, ask for its best match, and say whether that is the same pet.

# %% [markdown] lang="pt"
# A melhor resposta possível é 3; a pior, 48. O que um bom modelo poupa é o trabalho de olhar tantas
# fotos.
#
# ### Exercício 3: construa
# Um cão não prova nada. Aqui está uma foto de cada um dos oito cães. Escreva `is_right`: recorte o
# animal de `row`, peça sua melhor correspondência e diga se é o mesmo animal.

# %% tags=["exercise"]
lost = litters.query("role == 'query' and species == 'dog'").groupby("pet", as_index=False).first()
queries = encoder.embed([cut(row) for row in lost.itertuples()])
best = gallery.photos["label"].to_numpy()[(queries @ gallery.vectors.T).argmax(axis=1)]


def is_right(row):
    return None


check(
    [is_right(row) for row in lost.itertuples()],
    list(best == lost["pet"]),
    en="One True or False for each dog: compare the label of the first match with row.pet.",
    pt="Um True ou False por cão: compare o rótulo (label) da primeira com row.pet.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `gallery.match(cut(row), k=1)` is a list with one match; a match has a `label`.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `gallery.match(cut(row), k=1)` é uma lista com uma só correspondência, que tem um `label`.
# </details>


# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
def is_right(row):
    return gallery.match(cut(row), k=1)[0].label == row.pet


answers = [is_right(row) for row in lost.itertuples()]
check(answers, list(best == lost["pet"]))

# %%
answers = best == lost["pet"]
draws = np.random.default_rng(0).random((10_000, len(answers)))
print(f"{sum(answers)} / {len(answers)}")
for chance in (3 / len(gallery), 1 / 2):
    found = (draws < chance).sum(axis=1)
    print(f"{found.mean():.2f}     {np.mean(found >= sum(answers)):.2f}")

# %% [markdown] lang="en"
# First line: how many of the eight dogs the model found. Second: 10,000 volunteers who draw photos
# blindly. Three of 48 are right, so they find 8 · 3/48 = 0.50 on average, half a dog; beside it, the
# share of them who find at least as many as the model. If it is small, blind luck does not explain
# the result. Third: volunteers who know the litter and toss a coin between the two mates, four dogs
# on average. If *their* share is not small, a coin would do as well, and eight dogs do not show that
# the model tells mates apart. How often will it be right with *other* dogs? Lesson 05 says how well
# one can know.
#
# ## 4. The road ahead

# %% [markdown] lang="pt"
# Primeira linha: quantos dos oito cães o modelo encontrou. Segunda: 10.000 voluntários que sorteiam
# fotos às cegas. Três em 48 estão certas, logo eles acertam em média 8 · 3/48 = 0,50, meio cão; ao
# lado, a proporção dos que acertam ao menos tantos quanto o modelo. Se for pequena, a sorte cega
# não explica o resultado. Terceira: voluntários que sabem qual é a ninhada e tiram cara ou coroa
# entre os dois irmãos, quatro cães em média. Se a proporção *deles* não for pequena, a moeda faria
# o mesmo, e oito cães não mostram que o modelo distingue irmãos. Com que frequência ele acertará
# com *outros* cães? A aula 05 mostra quanto se pode saber.
#
# ## 4. O que vem pela frente

# %%
vector = encoder.embed([query])[0]
print(vector.shape)
shades = 128 + 127 * np.clip(vector / (2 * vector.std()), -1, 1)
numbers = Image.fromarray(np.uint8(shades).reshape(16, -1))
numbers = numbers.resize((320, 320), Image.Resampling.NEAREST)
titles = ["photo", "01", "02", f"03, 04:  {matches[0].score:.2f}"]
plots.photo_row([a.photo, query, numbers, matches[0].path], titles)

# %% [markdown] lang="en"
# The road of one photo. Lesson 01 lays the background aside. Lesson 02 turns the dog into numbers,
# an **embedding**: each small cell is one, dark if negative, light if positive. Lessons 03 and 04
# compare them with those of every photo in the shelter.
#
# | | Lesson | Minutes |
# |---|---|---|
# | 00 | Start here | 15 |
# | 01 | [Preprocessing](01_preprocessing.ipynb): a picture is an array; size, orientation, background | 45 |
# | 02 | [Embeddings](02_embeddings.ipynb): how a Vision Transformer turns a photo into a vector | 60 |
# | 03 | [Cosine similarity](03_similarity.ipynb): what chance gives, and when a score is high | 45 |
# | 04 | [Matching](04_matching.ipynb): nearest neighbours, rankings, corresponding parts | 60 |
# | 05 | [How sure are we?](05_how_sure.ipynb) Errors, thresholds, intervals | 90 |
# | 06 | [What moves the score?](06_what_moves_the_score.ipynb) Light, angle, place, quality | 75 |
# | 07 | [Your own photos](07_your_own_photos.ipynb): a folder, a larger model, ethics | 45 |
# | 08 | Optional. When one machine is not enough: a million photos and more | 45 |
#
# A three-hour workshop takes parts of 01 to 05.
#
# ## Quiz
#
# <details><summary>1. The first match scores 0.97. Is it the lost dog?</summary>
#
# That cannot be told. Its *rank* says that no other photo is more alike, to this model. Its score means
# little until you know what other dogs score.
# </details>
# <details><summary>2. The lost dog is not in the shelter. What does the program answer?</summary>
#
# Four photos, as always. It ranks what is there; lesson 05 teaches it to say "perhaps none".
# </details>
#
# ## Remember
# - The program ranks photos for a person to look at; the person decides.
# - A score compares; it is not a probability.
# - Light and place deceive. Spots, less so.
#
# **Next:** lesson 01 opens a picture and looks inside.
#
# ## References
# - The flood, state civil defence, 13 May 2024:
#   [Vanguarda do Norte](https://vanguardadonorte.com.br/brasil/voluntarios-de-manaus-salvam-cao-que-ficou-7-dias-ilhado-no-rs).
# - More than 12,000 animals:
#   [Correio Braziliense](https://www.correiobraziliense.com.br/brasil/2024/05/6859263-voluntarios-incentivam-adocao-de-animais-resgatados-nas-cheias-no-rs.html).
# - *Pets RS* and the shelters:
#   [GRAD](https://gradbrasil.org.br/reencontro-de-animais-resgatados-com-seus-tutores-no-rio-grande-do-sul).
# - "Cada manchinha": [Bahia Gospel News](https://bahiagospelnews.com.br), May 2024.
# - The tutorial this course grew from: J. Ferreira (2025).
#   [Similaridade de imagens usando Vision
#   Transformers](https://jodavid.github.io/similarity_vit_python), UFPE.

# %% [markdown] lang="pt"
# O caminho de uma foto. A aula 01 põe o fundo de lado. A aula 02 transforma o cão em números, um
# ***embedding***: cada célula é um deles, escura se negativa, clara se positiva. As aulas 03 e 04
# os comparam com os de todas as fotos do abrigo.
#
# | | Aula | Minutos |
# |---|---|---|
# | 00 | Comece aqui | 15 |
# | 01 | [Pré-processamento](01_preprocessamento.ipynb): uma imagem é um arranjo; tamanho, orientação, fundo | 45 |
# | 02 | [*Embeddings*](02_embeddings.ipynb): como um *Vision Transformer* faz de uma foto um vetor | 60 |
# | 03 | [Similaridade do cosseno](03_similaridade.ipynb): o que se obtém por acaso e quando um escore é alto | 45 |
# | 04 | [Correspondência](04_correspondencia.ipynb): vizinhos mais próximos, listas ordenadas, partes correspondentes | 60 |
# | 05 | [Quanta certeza temos?](05_quao_certos.ipynb) Erros, limiares, intervalos | 90 |
# | 06 | [O que muda o escore?](06_o_que_muda_o_escore.ipynb) Luz, ângulo, lugar, qualidade | 75 |
# | 07 | [Suas próprias fotos](07_suas_proprias_fotos.ipynb): uma pasta, um modelo maior, ética | 45 |
# | 08 | Opcional. Quando uma máquina não basta: um milhão de fotos e além | 45 |
#
# Uma oficina de três horas percorre partes das aulas 01 a 05.
#
# ## Questionário
#
# <details><summary>1. A primeira foto da lista tem escore 0,97. É o cão perdido?</summary>
#
# Não dá para dizer. O *primeiro lugar* só diz que, para este modelo, nenhuma outra foto é mais parecida.
# O escore pouco significa sem os escores de outros cães.
# </details>
# <details><summary>2. O cão perdido não está no abrigo. O que o programa responde?</summary>
#
# Quatro fotos, como sempre. Ele ordena o que há; a aula 05 lhe ensina a dizer "talvez nenhuma".
# </details>
#
# ## Para lembrar
# - O programa ordena fotos para que uma pessoa olhe; quem decide é a pessoa.
# - Um escore compara; não é uma probabilidade.
# - Luz e lugar enganam. Manchas, menos.
#
# **A seguir:** a aula 01 abre uma imagem e olha o que há dentro.
#
# ## Referências
# - A enchente, Defesa Civil estadual, 13 de maio de 2024:
#   [Vanguarda do Norte](https://vanguardadonorte.com.br/brasil/voluntarios-de-manaus-salvam-cao-que-ficou-7-dias-ilhado-no-rs).
# - Mais de 12 mil animais:
#   [Correio Braziliense](https://www.correiobraziliense.com.br/brasil/2024/05/6859263-voluntarios-incentivam-adocao-de-animais-resgatados-nas-cheias-no-rs.html).
# - *Pets RS* e os abrigos:
#   [GRAD](https://gradbrasil.org.br/reencontro-de-animais-resgatados-com-seus-tutores-no-rio-grande-do-sul).
# - "Cada manchinha": [Bahia Gospel News](https://bahiagospelnews.com.br), maio de 2024.
# - O tutorial do qual este curso nasceu: J. Ferreira (2025).
#   [Similaridade de imagens usando Vision
#   Transformers](https://jodavid.github.io/similarity_vit_python), UFPE.
